import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket as TcpSocket } from 'node:net';
import { AppConfig } from '../src/config/app-config';
import { DrainService } from '../src/realtime/drain.service';
import { RealtimeServer } from '../src/realtime/realtime-server';
import { BuiltServer, buildWhenNeeded } from './support/built-server';
import { roomOf, say } from './support/chat-app';
import { call, register, TestClient } from './support/clients';
import { createApp } from './support/create-app';

const BUILD_MS = 120_000;
const SECRET = 'Zx8vQ2mN5bR7tY1wE4uI6oP9aS3dF0gH';
const PRODUCTION = { NODE_ENV: 'production', JWT_SECRET: SECRET };

const servers: BuiltServer[] = [];

async function start(settings: Record<string, string> = {}): Promise<{ server: BuiltServer; url: string }> {
  const started = await BuiltServer.start(settings);
  servers.push(started.server);
  return started;
}

beforeAll(() => buildWhenNeeded(), BUILD_MS);

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** A request whose body never comes: it holds its connection. */
async function unfinishedRequest(url: string): Promise<TcpSocket> {
  const { hostname, port } = new URL(url);
  const tcp = connect(Number(port), hostname);
  tcp.on('error', () => undefined);
  tcp.write(`POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`);
  // Answered after the other was read: both came over the same kind of way.
  await fetch(`${url}/health/live`);
  return tcp;
}

describe('the start', () => {
  it('needs no settings at all', async () => {
    const { server, url } = await start();
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const login = { email: 'alice@example.com', password: 'password123' };
    await call(url, '', 'post', '/api/auth/login').send(login).expect(200);
    expect(server.log.join()).toContain('JWT_SECRET is not set');
  });

  it('on a port that is taken ends with one line that names it', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, errors } = await BuiltServer.fail({ PORT: `${port}` });
    taken.close();
    expect(code).toBeGreaterThan(0);
    expect(errors).toEqual([expect.stringContaining(`${port}`)]);
  });

  it.each([
    ['PORT', { PORT: '70000' }],
    ['JWT_SECRET', { NODE_ENV: 'production' }],
    ['JWT_SECRET', { NODE_ENV: 'production', JWT_SECRET: 'your-super-secret-jwt-key-change-this-in-production' }],
    ['CORS_ORIGIN', { ...PRODUCTION, CORS_ORIGIN: '*' }],
  ])('with a wrong %s ends with one line that names it: %j', async (name, settings) => {
    const { code, errors } = await BuiltServer.fail(settings as Record<string, string>);
    expect(code).toBeGreaterThan(0);
    expect(errors).toEqual([expect.stringContaining(name)]);
  });

  it.each([
    ['BCRYPT_ROUNDS', { BCRYPT_ROUNDS: 'ten' }],
    ['RATE_LIMIT_BURST', { RATE_LIMIT_BURST: '1e3' }],
    ['LOG_LEVEL', { LOG_LEVEL: 'loud' }],
    ['JWT_EXPIRES_IN', { JWT_EXPIRES_IN: 'tomorrow' }],
    ['CORS_ORIGIN', { CORS_ORIGIN: 'chat.example.com' }],
    ['PUBLIC_URL', { PUBLIC_URL: 'ftp://chat.example.com' }],
    ['MESSAGE_TTL_MS', { MESSAGE_TTL_MS: '1.5' }],
    ['MESSAGE_TTL_MIN_S', { MESSAGE_TTL_MIN_S: '60', MESSAGE_TTL_MAX_S: '30' }],
    ['UPLOAD_PATH', { UPLOAD_PATH: 'a', UPLOAD_DIR: 'b' }],
    ['SEED_DEMO_USERS', { ...PRODUCTION, SEED_DEMO_USERS: 'true' }],
    ['JWT_SECRET', { NODE_ENV: 'production', JWT_SECRET: '' }],
    ['JWT_SECRET', { NODE_ENV: 'production', JWT_SECRET: SECRET.slice(1) }],
    ['JWT_SECRET', { NODE_ENV: 'production', JWT_SECRET: 'a'.repeat(64) }],
    ['JWT_SECRET', { NODE_ENV: 'production', JWT_SECRET: 'change_me_change_me_change_me_change_me' }],
  ])('would end with a line that names a wrong %s: %j', (name, settings) => {
    expect(() => AppConfig.from(settings)).toThrow(new RegExp(`^[^\\n]*\\b${name}\\b[^\\n]*$`));
  });

  it('in production has no demo users', async () => {
    const { url } = await start(PRODUCTION);
    const login = { email: 'alice@example.com', password: 'password123' };
    await call(url, '', 'post', '/api/auth/login').send(login).expect(401);
  });
});

describe('the stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s tells clients, lets them come back, and ends with 0',
    async (signal) => {
      const { server, url } = await start();
      const [ada, ben] = [await register(url, 'ada'), await register(url, 'ben')];
      const client = await TestClient.connect(url, ada.token, { reconnection: true });
      const polling = await TestClient.connect(url, ben.token, { reconnection: true, transports: ['polling'] });
      const attempt = new Promise((resolve) => client.socket.io.once('reconnect_attempt', resolve));
      const roomId = roomOf(ada, ben);
      await say({ client }, roomId, 'opens the room');
      const sends = Array.from({ length: 10 }, (_, i) => say({ client }, roomId, `${i}`));
      server.kill(signal);
      expect((await Promise.all(sends)).map(({ seq }) => seq)).toEqual(Array.from({ length: 10 }, (_, i) => i + 2));
      for (const { closed, next } of [client, polling].map((one) => ({
        closed: one.closed(),
        next: one.next('server:draining'),
      }))) {
        expect(await next).toEqual({ retryInMs: expect.any(Number) });
        expect(await closed).toBe('transport close');
      }
      expect(client.socket.active).toBe(true);
      expect(await server.ended).toBe(0);
      await attempt;
      client.close();
      polling.close();
    },
  );

  it('is not held up by a request that never ends', async () => {
    const { server, url } = await start();
    const tcp = await unfinishedRequest(url);
    server.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    tcp.destroy();
  });

  it('is at once after a second signal', async () => {
    const { server, url } = await start();
    const client = await TestClient.connect(url, (await register(url)).token);
    const tcp = await unfinishedRequest(url);
    server.kill('SIGTERM');
    await client.closed();
    server.kill('SIGTERM');
    expect(await server.ended).toBe(1);
    tcp.destroy();
  });
});

describe('while it stops', () => {
  it('readiness is red, nobody new comes in, and who is there is still served', async () => {
    const { app, url, close } = await createApp();
    const [ada, ben] = [await register(url, 'ada'), await register(url, 'ben')];
    const client = await TestClient.connect(url, ada.token);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const working = jest.spyOn(app.get(RealtimeServer), 'inFlight', 'get').mockReturnValue(1);
    const drained = app.get(DrainService).drain();

    await client.next('server:draining');
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ ready: false, checks: { draining: 'down' } });
    expect(await (await fetch(`${url}/api/health`)).json()).toMatchObject({ status: 'draining' });
    for (const transports of [['websocket'], ['polling']] as ['websocket' | 'polling'][]) {
      await expect(TestClient.connect(url, ben.token, { transports })).rejects.toThrow();
    }
    await say({ client }, roomOf(ada, ben), 'still acked');

    working.mockRestore();
    expect(await client.closed()).toBe('transport close');
    await drained;
    await close();
  });
});

describe('the log', () => {
  const NEEDLE = 'needle7b3f';
  const QUIET = { AUTH_RATE_LIMIT_PER_MINUTE: '1000', RATE_LIMIT_PER_SECOND: '1000', BCRYPT_ROUNDS: '4' };

  it('in production, at its most talkative, has no text, token, key or address of anybody', async () => {
    const { server, url } = await start({ ...PRODUCTION, ...QUIET, LOG_LEVEL: 'debug', DEBUG: '*' });
    const [ada, ben] = [await register(url, 'ada'), await register(url, 'ben')];
    const post = (path: string, body: unknown, token = ada.token) =>
      call(url, token, 'post', path)
        .type('json')
        .send(body as object);
    const email = `${NEEDLE}@example.com`;
    const account = { username: 'cleo', email, password: NEEDLE };
    const { body } = await post('/api/auth/register', account).expect(201);
    await post('/api/auth/register', account).expect(409);
    await post('/api/auth/login', { email, password: `${NEEDLE}x` }).expect(401);
    await post('/api/auth/login', `{"email":"${NEEDLE}`).expect(400);
    await call(url, `${NEEDLE}.x.y`, 'get', `/api/auth/me?token=${NEEDLE}`).expect(401);
    await call(url, ada.token, 'get', `/api/users/search?q=${email}`).expect(200);
    const refreshed = (await post('/api/auth/refresh', {}, body.token).expect(200)).body.token as string;

    const client = await TestClient.connect(url, ada.token);
    const polling = await TestClient.connect(url, ben.token, { transports: ['polling'] });
    await expect(TestClient.connect(url, NEEDLE)).rejects.toThrow('Invalid or expired token');
    const roomId = roomOf(ada, ben);
    await polling.emit('room:join', { roomId, publicKey: NEEDLE });
    await say({ client }, roomId, NEEDLE, { clientId: NEEDLE, ttl: 1 });
    await polling.next('message:new');
    await post(`/api/chat/rooms/${roomId}/messages`, { content: NEEDLE }).expect(201);
    for (const payload of [
      NEEDLE,
      { roomId: NEEDLE, content: NEEDLE },
      { roomId, content: [NEEDLE] },
      { [NEEDLE]: NEEDLE },
    ]) {
      await client.emit('message:send', payload);
      client.socket.emit('message:send', payload);
    }
    await client.emit(NEEDLE, NEEDLE);
    client.socket.emit(NEEDLE, NEEDLE);
    await client.emit('auth:refresh', { token: `${NEEDLE}.x.y` });
    await client.next('message:expired');
    await call(url, refreshed, 'delete', '/api/users/me').expect(204);
    await server.stop();

    const log = server.log.join('\n');
    expect(log).toContain('/api/auth/login');
    for (const secret of [NEEDLE, '@example.com', ada.email, ada.password, SECRET]) {
      expect(log).not.toContain(secret);
    }
    for (const token of [ada.token, ben.token, body.token as string, refreshed]) {
      expect(log).not.toContain(token.split('.')[2] ?? token);
      expect(log).not.toContain(token.split('.')[1] ?? token);
    }
  });
});
