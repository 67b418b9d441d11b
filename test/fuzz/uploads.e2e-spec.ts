import { Agent, type ClientRequest, request } from 'node:http';
import { ROUTES } from '../support/authz-table';
import type { Person } from '../support/accounts-app';
import { Random } from '../support/fuzz';
import { SEED } from '../support/fuzz-scene';
import { eventually, ImagesApp } from '../support/images-app';
import { picture } from '../support/pictures';

const MUTATIONS = 120;
const AT_ONCE = 6;
const RUN_MS = 60_000;
const BOUNDARY = 'limit-of-this-form';
const UPLOADS = ROUTES.filter(({ file }) => file !== undefined).map(({ handler }) => handler);
/** Where no form is expected. */
const OTHERS = ROUTES.filter(({ body, file }) => body && file === undefined).map(({ handler }) => handler);

interface Form {
  readonly type: string;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true });
const random = new Random(SEED);
let app: ImagesApp;
let alice: Person;
let photo: Buffer;

beforeAll(async () => {
  photo = await picture(8, 6).png().toBuffer();
  app = await ImagesApp.start({ UPLOADS_PER_MINUTE: '100000', IMAGE_TTL_MS: '60000', JWT_EXPIRES_IN: '3650d' });
  alice = await app.accounts.register('alice');
});

afterAll(async () => {
  agent.destroy();
  await app.close();
});

const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;
const part = (headers: string, content: Buffer | string = photo): Buffer =>
  Buffer.concat([Buffer.from(`--${BOUNDARY}\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
const named = (name: string, content: string): Buffer =>
  part(`Content-Disposition: form-data; name="${name}"`, content);
const file = (field = 'image', filename = 'a.png', more = ''): Buffer =>
  part(`Content-Disposition: form-data; name="${field}"; filename="${filename}"\r\nContent-Type: image/png${more}`);
const END = Buffer.from(`--${BOUNDARY}--\r\n`);
const form = (...parts: Buffer[]): Form => ({ type: MULTIPART, body: Buffer.concat([...parts, END]) });
const GOOD = (): Form => form(named('ttl', '60'), named('messageId', 'm'), file());

function open(handler: string, headers: Record<string, string | number>): ClientRequest {
  const [method = '', path = ''] = handler.split(' ');
  const authorization = `Bearer ${alice.token}`;
  return request(app.url + path.replaceAll(/:\w+/g, 'x'), { method, agent, headers: { authorization, ...headers } });
}

function send(handler: string, { type, body }: Form): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = open(handler, { 'content-type': type, 'content-length': body.length });
    call.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** Sends them all; what is refused is the fault of the sender, and says so. */
async function sendAll(handler: string, forms: readonly Form[]): Promise<number[]> {
  const statuses: number[] = [];
  for (let first = 0; first < forms.length; first += AT_ONCE) {
    await Promise.all(
      forms.slice(first, first + AT_ONCE).map(async (sent) => {
        const { status, text } = await send(handler, sent);
        const told = { handler, type: sent.type.slice(0, 80), body: sent.body.toString('latin1', 0, 200), status };
        expect(told).toEqual({ ...told, status: status < 500 ? status : 'less than 500' });
        if (status >= 400) {
          expect(JSON.parse(text)).toMatchObject({ success: false, statusCode: status });
        }
        statuses.push(status);
      }),
    );
  }
  return statuses;
}

/** Nothing is open, and of what was taken in nothing stays beyond its time. */
async function nothingStays(): Promise<void> {
  await eventually(() => app.descriptors().length === 0 && app.files().every((path) => path.startsWith('blobs/')));
  await app.call('delete', '/api/users/me/avatar', alice.token);
  await app.pass(86_400_000);
  await eventually(() => app.files().length === 0);
  expect(await app.attachments.totals()).toEqual({ count: 0, bytes: 0 });
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

const LONG = 'x'.repeat(20_000);
const HUGE = 'x'.repeat(200_000);

/** Forms that are no good, or at the limits of what is. */
const bad = (): Form[] => {
  const { body } = GOOD();
  const types = ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="x'].concat(
    ['another', LONG.slice(0, 5000), '"a b"', '\u00e9', BOUNDARY.toUpperCase()].map((at) =>
      MULTIPART.replace(BOUNDARY, at),
    ),
    [`multipart/mixed; boundary=${BOUNDARY}`, `${MULTIPART}; charset=utf-7`, 'text/plain', 'application/json', ''],
  );
  const many = (count: number, make: (i: number) => Buffer): Buffer[] =>
    Array.from({ length: count }, (_, i) => make(i));
  return [
    ...types.map((type) => ({ type, body })),
    ...[0, 1, 30, 80, body.length - photo.length, body.length - END.length, body.length - 3].map((length) => ({
      type: MULTIPART,
      body: body.subarray(0, length),
    })),
    { type: MULTIPART, body: END },
    { type: MULTIPART, body: Buffer.from(HUGE) },
    { type: MULTIPART, body: Buffer.concat([Buffer.from(HUGE), body, Buffer.from(HUGE)]) },
    form(file(), file()),
    form(file(), file('other')),
    form(file('other'), file()),
    form(file('image[]')),
    form(...many(25, () => file())),
    form(...many(10_000, (i) => named(`f${i}`, 'x')), file()),
    form(...many(10_000, () => named('ttl', '1')), file()),
    form(...many(19, (i) => named(`f${i}`, 'x')), file()),
    form(named(LONG, 'x'), file()),
    form(named('ttl', HUGE), file()),
    form(named(`a${'[b]'.repeat(1000)}`, 'x'), file()),
    form(named('__proto__[polluted]', 'x'), named('constructor[prototype][polluted]', 'x'), file()),
    form(named('__proto__', 'x'), named('image', 'x'), file()),
    form(named('image', 'x')),
    form(part('')),
    form(part('Content-Disposition: form-data')),
    form(part('Content-Disposition: attachment; filename="a.png"')),
    form(part(`X: ${HUGE}`)),
    form(part(Array.from({ length: 3000 }, (_, i) => `H${i}: x`).join('\r\n'))),
    ...['', '../../a.png', 'a\u0000.png', '\\\\host\\a.png', LONG, '%00', 'a"; name="x', '\u202e'].map((name) =>
      form(file('image', name)),
    ),
    form(file('image', 'a.png', '\r\nContent-Transfer-Encoding: base64')),
    form(part(`Content-Disposition: form-data; name="image"; filename*=UTF-8''%E0%A4%A`)),
    form(part(`Content-Disposition: form-data; name="image"; filename*=nonsense''%ff`)),
    form(part('Content-Disposition: form-data; name="image"; filename="a.png"', '')),
    ...['-1', '1e3', ' ', '0x1', LONG.slice(0, 500), '\u0000'].map((ttl) => form(named('ttl', ttl), file())),
    ...['../x', '', 'x'.repeat(65), '__proto__'].map((id) => form(named('messageId', id), file())),
  ];
};

/** The form with bytes changed, taken out or put in. */
function mutated({ type, body }: Form): Form {
  let bytes = Buffer.from(body);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(bytes.length);
    const change = random.below(3);
    if (change === 0) {
      bytes[at] = random.below(256);
    } else if (change === 1) {
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(40))]);
    } else {
      const again = bytes.subarray(random.below(bytes.length));
      bytes = Buffer.concat([bytes.subarray(0, at), again, bytes.subarray(at)]);
    }
  }
  return { type, body: bytes };
}

it('uploads are all fuzzed', () => {
  expect(UPLOADS).toEqual(
    expect.arrayContaining(['POST /api/images/upload', 'POST /api/upload-image', 'PUT /api/users/me/avatar']),
  );
});

describe.each(UPLOADS)('%s', (handler) => {
  afterEach(() => nothingStays());

  it(
    'takes a form that is good, and survives every one that is not',
    async () => {
      expect(await sendAll(handler, [GOOD()])).toEqual([200]);
      const statuses = await sendAll(handler, bad());
      expect(statuses.filter((status) => status >= 400).length).toBeGreaterThan(40);
    },
    RUN_MS,
  );

  it(
    `survives ${MUTATIONS} random mutations (FUZZ_SEED=${SEED})`,
    async () => {
      await sendAll(
        handler,
        Array.from({ length: MUTATIONS }, () => mutated(GOOD())),
      );
    },
    RUN_MS,
  );

  it(
    'survives forms that are broken off anywhere, in one piece or many',
    async () => {
      const { type, body } = GOOD();
      for (let i = 0; i < 40; i++) {
        const declared: Record<string, number> = random.below(2) === 0 ? { 'content-length': body.length } : {};
        const call = open(handler, { 'content-type': type, ...declared });
        const ended = new Promise((resolve) => call.on('error', resolve).on('close', resolve));
        const end = random.below(body.length);
        for (let at = 0; at < end; at += 1 + random.below(end)) {
          await new Promise((resolve) => call.write(body.subarray(at, Math.min(end, at + 64)), resolve));
        }
        call.destroy();
        await ended;
      }
      expect(await sendAll(handler, [GOOD()])).toEqual([200]);
    },
    RUN_MS,
  );
});

describe('routes that take no file', () => {
  it(
    'survive forms with one',
    async () => {
      const forms = [
        GOOD(),
        form(named('email', 'x'), named('password', 'x')),
        { type: MULTIPART, body: Buffer.from(HUGE) },
      ];
      for (const handler of OTHERS) {
        await sendAll(handler, forms);
      }
      await nothingStays();
    },
    RUN_MS,
  );
});
