import { Agent, request as httpRequest } from 'node:http';
import { ROUTES } from '../support/authz-table';
import { roomOf } from '../support/chat-app';
import { mutate, NASTY } from '../support/fuzz';
import { fuzzScene } from '../support/fuzz-scene';

const scene = fuzzScene();
const agent = new Agent({ keepAlive: true });

afterAll(() => agent.destroy());

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** A request exactly as it is given: no client library mends it. */
function send({ method, path, body, headers }: Call, token: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(scene.chat.url);
  const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` };
  const all = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...length, ...headers };
  return new Promise((resolve, reject) => {
    const call = httpRequest({ agent, hostname, port, method, path, headers: all }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const AT_ONCE = 10;
/** Routes that end the token of who calls them: each call gets an account of its own. */
const ENDS_TOKEN = ['DELETE /api/users/me', 'POST /api/auth/logout', 'POST /api/auth/refresh'];

async function expectNoServerError(handler: string, calls: Call[]): Promise<void> {
  for (let first = 0; first < calls.length; first += AT_ONCE) {
    await Promise.all(calls.slice(first, first + AT_ONCE).map((call) => expectAnswer(handler, call)));
  }
}

async function expectAnswer(handler: string, call: Call): Promise<void> {
  const { token } = ENDS_TOKEN.includes(handler) ? await scene.chat.register() : scene.mallory;
  const { status, text } = await send(call, token);
  const told = { ...call, path: call.path.slice(0, 100), body: call.body?.slice(0, 100), status };
  expect(told).toEqual({ ...told, status: status < 500 ? status : 'less than 500' });
  if (status >= 400) {
    expect(JSON.parse(text)).toMatchObject({ success: false, statusCode: status, requestId: expect.any(String) });
  }
}

const json = (value: unknown): string => JSON.stringify(value) ?? 'undefined';

/** Texts that are no JSON, or JSON at its limits. */
const BODIES = [
  ...['', '{', '[', '"', 'nul', '{"a":}', '\u0000', '{}{}', '{"a":1,"a":2}', '\ufeff{}', '{"\\ud800":1}', '1e999'],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
];

/** As deep as the limit of a body allows. */
const DEPTH = 50_000;
const nestedIn = (field: string): string[] => [
  `{"${field}":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`,
  `{"${field}":${'{"a":'.repeat(DEPTH / 4)}1${'}'.repeat(DEPTH / 4)}}`,
  `${`{"${field}":`.repeat(DEPTH / 10)}1${'}'.repeat(DEPTH / 10)}`,
];

/** Fields of any body of the API. */
const FIELDS = [
  ...['username', 'email', 'password', 'currentPassword', 'newPassword', 'displayName', 'bio', 'status', 'otherUserId'],
  ...['content', 'ttl', 'clientId', 'type', 'burn', 'upToSeq', 'settings', 'messageTtl'],
];

/** Good enough for several routes at once. */
const VALID = {
  username: 'x',
  email: 'x@example.com',
  password: 'x'.repeat(8),
  content: 'x',
  upToSeq: 1,
  settings: {},
};

const SEGMENTS = [
  '%00',
  '%',
  '%E0%A4%A',
  '..%2f..%2fetc',
  '__proto__',
  'constructor',
  '%2F',
  ';',
  'x'.repeat(5000),
  '%F0%9F%92%AC',
];

const QUERIES = ['?', '?%', '?__proto__=x', '?a[b]=c', '?limit=', `?q=${'x'.repeat(5000)}`].concat(
  ['limit', 'before', 'cursor', 'q'].flatMap((field) => [
    `?${field}=%E0%A4%A`,
    `?${field}=x&${field}=1`,
    `?${field}=-1`,
    `?${field}=%F0%9F%92%AC%00`,
  ]),
);

describe('routes', () => {
  const filled = (path: string, value: string): string => path.replaceAll(/:\w+/g, value);

  it('survive every nasty body', async () => {
    for (const { handler } of ROUTES.filter((row) => row.body || !row.handler.startsWith('GET'))) {
      const [method = '', route = ''] = handler.split(' ');
      const path = filled(route, roomOf(scene.mallory, scene.alice));
      const fields = FIELDS.map((field) => ({ [field]: scene.random.pick(NASTY) }));
      const bodies = [...BODIES, ...NASTY.map(json), ...fields.map(json), json(Object.assign({}, ...fields))];
      await expectNoServerError(
        handler,
        bodies.map((body) => ({ method, path, body })),
      );
      const all = { ...VALID, otherUserId: scene.alice.id };
      const mutated = Array.from({ length: 20 }, () => json(mutate(all, scene.random)));
      await expectNoServerError(
        handler,
        mutated.map((body) => ({ method, path, body })),
      );
    }
  });

  it('survive bodies that are nested as deep as their size allows, in every field', async () => {
    for (const { handler } of ROUTES.filter((row) => row.body)) {
      const [method = '', route = ''] = handler.split(' ');
      const path = filled(route, roomOf(scene.mallory, scene.alice));
      const bodies = ['settings', 'content', 'username', 'password', 'otherUserId', 'upToSeq', 'extra'].flatMap(
        nestedIn,
      );
      await expectNoServerError(
        handler,
        bodies.map((body) => ({ method, path, body })),
      );
    }
  });

  it('survive every nasty path and query', async () => {
    // One that has nothing to do without Redis says so, whatever it is asked.
    for (const { handler } of ROUTES.filter(({ status }) => status.member !== 503)) {
      const [method = '', route = ''] = handler.split(' ');
      const paths = route.includes(':') ? SEGMENTS.map((segment) => filled(route, segment)) : [];
      const base = filled(route, roomOf(scene.mallory, scene.alice));
      const asked = method === 'GET' && route.startsWith('/api/') ? QUERIES : QUERIES.slice(0, 6);
      await expectNoServerError(
        handler,
        [...paths, ...asked.map((query) => base + query)].map((path) => ({ method, path })),
      );
    }
  });

  it('survive headers that lie, and methods that nobody serves', async () => {
    const path = '/api/auth/login';
    const headers: Record<string, string>[] = [
      { 'content-type': 'application/json; charset=utf-7' },
      { 'content-type': 'application/json; charset=' },
      { 'content-type': '' },
      { 'content-type': '/' },
      { 'content-type': 'multipart/form-data' },
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'br' },
      { 'accept-encoding': '*;q=2,,' },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${'x'.repeat(5000)}` },
      { 'x-forwarded-for': '::, x, 999.999.999.999' },
      { 'x-request-id': '{"a":1}\u00ff' },
      { origin: '\u00ff' },
      { 'access-control-request-method': 'x' },
    ];
    const calls = headers.flatMap((header) => [
      { method: 'POST', path, body: '{}', headers: header },
      { method: 'GET', path: '/api/users', headers: header },
    ]);
    const methods = ['PUT', 'TRACE', 'PROPFIND', 'SEARCH', 'M-SEARCH'].map((method) => ({ method, path }));
    await expectNoServerError('', [...calls, ...methods]);
  });

  it('refuse a body of 10 MB before they read it', async () => {
    const body = json({ email: 'x'.repeat(10 * 1024 * 1024), password: 'x' });
    const call = { method: 'POST', path: '/api/auth/login', body };
    expect((await send(call, scene.mallory.token)).status).toBe(413);
  });
});
