import { Logger } from '@nestjs/common';
import request, { type Test } from 'supertest';
import { ChatApp } from './support/chat-app';
import { TestClient } from './support/clients';
import { RawSocket } from './support/raw-socket';

const OWN = 'https://chat.example.com';
const FOREIGN = 'https://evil.example.com';
const PRODUCTION = { NODE_ENV: 'production', JWT_SECRET: 'kD8s0aLq2mZx7vBn4cTy6uWe1rHj3gFp' };

let chat: ChatApp;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(async () => {
  jest.restoreAllMocks();
  await chat.close();
});

const get = (path: string): Test => request(chat.url).get(path);
const preflight = (path: string, origin = OWN): Test =>
  request(chat.url).options(path).set({
    Origin: origin,
    'Access-Control-Request-Method': 'PUT',
    'Access-Control-Request-Headers': 'authorization,content-type,x-admin-token,x-request-id',
  });
/** Begins to poll and hangs up. */
async function poll(headers: Record<string, string> = {}): Promise<void> {
  const path = '/socket.io/?EIO=4&transport=polling';
  const { text } = await get(path).set(headers).expect(200);
  const { sid } = JSON.parse(text.slice(1)) as { sid: string };
  await request(chat.url).post(`${path}&sid=${sid}`).type('text').send('1').expect(200);
}
const words = (header: string | undefined): string[] =>
  (header ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .sort();

describe('the origins of browsers', () => {
  it('of the list get preflights answered on every path, there or not', async () => {
    await start({ CORS_ORIGIN: `${OWN}, https://other.example.com` });
    for (const path of ['/api/users/me', '/api/admin/users', '/health', '/no/such/path', '/api/auth/login']) {
      const { status, headers } = await preflight(path);
      expect([path, status]).toEqual([path, 204]);
      expect(headers).toMatchObject({
        'access-control-allow-origin': OWN,
        'access-control-allow-credentials': 'true',
        vary: expect.stringContaining('Origin'),
      });
      expect(words(headers['access-control-allow-headers'])).toEqual(
        expect.arrayContaining(['authorization', 'content-type', 'x-admin-token']),
      );
      expect(words(headers['access-control-allow-methods'])).toEqual(
        expect.arrayContaining(['delete', 'get', 'patch', 'post', 'put']),
      );
    }
  });

  it('may read the headers that clients need, of errors too', async () => {
    await start({ CORS_ORIGIN: OWN });
    for (const path of ['/api/auth/me', '/health', '/nothing']) {
      const { headers } = await get(path).set('Origin', OWN);
      expect(headers['access-control-allow-origin']).toBe(OWN);
      expect(words(headers['access-control-expose-headers'])).toEqual(
        [
          'Content-Disposition',
          'RateLimit-Limit',
          'RateLimit-Remaining',
          'RateLimit-Reset',
          'Retry-After',
          'X-Request-Id',
        ].map((name) => name.toLowerCase()),
      );
    }
  });

  it('that are foreign are invited nowhere; what is no browser is served', async () => {
    await start({ CORS_ORIGIN: OWN });
    for (const answer of [
      await preflight('/api/auth/login', FOREIGN),
      await get('/api/auth/me').set('Origin', FOREIGN),
      await get('/health').set('Origin', `${OWN}.evil.com`),
    ]) {
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
    await get('/health').expect(200);
  });

  it('are localhost and 127.0.0.1 outside production, where none is set', async () => {
    await start();
    for (const host of ['http://localhost:3000', 'http://127.0.0.1:5173']) {
      expect((await get('/health').set('Origin', host)).headers['access-control-allow-origin']).toBe(host);
    }
    expect((await get('/health').set('Origin', 'http://localhost:8080')).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
  });

  it('are all of them with *, by name, for sockets too', async () => {
    await start({ CORS_ORIGIN: '*' });
    const { headers } = await get('/health').set('Origin', FOREIGN);
    expect(headers).toMatchObject({
      'access-control-allow-origin': FOREIGN,
      'access-control-allow-credentials': 'true',
    });
    expect((await get('/health')).headers['access-control-allow-origin']).not.toBe('*');
    (await RawSocket.open(chat.url, { Origin: FOREIGN })).close();
  });

  it('have that of PUBLIC_URL among them, in production, for sockets too', async () => {
    await start({ ...PRODUCTION, PUBLIC_URL: `${OWN}/mayfly` });
    expect((await preflight('/api/auth/login')).headers['access-control-allow-origin']).toBe(OWN);
    (await RawSocket.open(chat.url, { Origin: OWN })).close();
    await expect(RawSocket.open(chat.url, { Origin: 'http://localhost:3000' })).rejects.toThrow('response: 4');
  });
});

describe('what counts against the limit of REST', () => {
  it('are API routes, not preflights, health, docs, / or the way of sockets', async () => {
    await start({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '2' });
    for (let i = 0; i < 4; i++) {
      await preflight('/api/auth/me', 'http://localhost:3000').expect(204);
      for (const path of ['/health', '/health/live', '/health/ready', '/metrics', '/', '/api/docs', '/api/events']) {
        expect([path, (await get(path)).status]).not.toEqual([path, 429]);
      }
      await poll();
    }
    const statuses = [];
    for (let i = 0; i < 3; i++) {
      statuses.push((await get('/api/auth/me')).status);
    }
    expect(statuses).toEqual([401, 401, 429]);
  });
});

describe('the address of a client', () => {
  const LIMITS = { RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '2', MAX_SOCKETS_PER_IP: '1' };
  const from = (...forwarded: string[]): Test => get('/api/auth/me').set('X-Forwarded-For', forwarded.join(', '));
  const connectFrom = (token: string, ...forwarded: string[]): Promise<TestClient> =>
    TestClient.connect(chat.url, token, { extraHeaders: { 'X-Forwarded-For': forwarded.join(', ') } });
  const account = async (): Promise<string> => (await chat.register()).token;

  it('is not what a client says where no proxy is trusted', async () => {
    await start(LIMITS);
    await from('1.1.1.1').expect(401);
    await from('1.1.1.2').expect(401);
    await from('1.1.1.3').expect(429);
  });

  it('is what as many proxies say as are trusted, and no more', async () => {
    await start({ ...LIMITS, TRUST_PROXY: '1' });
    await from('1.1.1.1').expect(401);
    await from('1.1.1.1').expect(401);
    await from('1.1.1.1').expect(429);
    // What stands before it the client may have made up.
    await from('9.9.9.9', '1.1.1.1').expect(429);
    await from('1.1.1.1', '1.1.1.2').expect(401);
  });

  it('is one for a network of IPv6', async () => {
    await start({ ...LIMITS, TRUST_PROXY: '1' });
    await from('2001:db8:1:2::1').expect(401);
    await from('2001:db8:1:2:ffff::2').expect(401);
    await from('2001:db8:1:2:1:2:3:4').expect(429);
    await from('2001:db8:1:3::1').expect(401);
  });

  it('is the same for sockets', async () => {
    await start({ ...LIMITS, TRUST_PROXY: '1', RATE_LIMIT_BURST: '100' });
    const token = await account();
    const client = await connectFrom(token, '1.1.1.1');
    await expect(connectFrom(token, '9.9.9.9', '1.1.1.1')).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    const other = await connectFrom(token, '1.1.1.1', '1.1.1.2');
    await expect(connectFrom(token, '1.1.1.2')).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    [client, other].forEach((one) => one.close());
  });
});

describe('a proxy that nobody told of', () => {
  let warnings: string[];

  beforeEach(() => {
    warnings = [];
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
  });

  const said = (): string[] => warnings.filter((line) => line.includes('TRUST_PROXY'));
  const viaProxy = (path: string): Test => get(path).set('X-Forwarded-For', '1.1.1.1');

  it('is told of once in production, whatever came through it first', async () => {
    await start(PRODUCTION);
    await get('/health');
    expect(said()).toEqual([]);
    await poll({ 'X-Forwarded-For': '1.1.1.1' });
    expect(said()).toHaveLength(1);
    await viaProxy('/health');
    (await RawSocket.open(chat.url, { 'X-Forwarded-For': '1.1.1.1' })).close();
    expect(said()).toHaveLength(1);
  });

  it('is told of where only WebSockets come through it', async () => {
    await start(PRODUCTION);
    (await RawSocket.open(chat.url, { 'X-Forwarded-For': '1.1.1.1' })).close();
    expect(said()).toHaveLength(1);
  });

  it.each([{ NODE_ENV: 'test' }, { ...PRODUCTION, TRUST_PROXY: '1' }])('is fine with %j', async (settings) => {
    await start(settings);
    await viaProxy('/health');
    (await RawSocket.open(chat.url, { 'X-Forwarded-For': '1.1.1.1' })).close();
    expect(said()).toEqual([]);
  });
});
