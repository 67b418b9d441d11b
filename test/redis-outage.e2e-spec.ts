import request from 'supertest';
import { UserStore } from '../src/users/user-store';
import { type Account, call, register, TestClient } from './support/clients';
import { createApp, type TestApp } from './support/create-app';
import { describeRedis, uniquePrefix } from './support/redis-server';
import { until } from './support/until';

/** guarantees.md: refused by then. */
const REFUSED_MS = 3000;
/** Until everything is as before, once Redis is back. */
const RECOVERED_MS = 5000;

describeRedis('A node whose Redis fails', (server) => {
  let app: TestApp;
  const clients: TestClient[] = [];

  const start = async (settings: Record<string, string> = {}): Promise<void> => {
    const redis = { REDIS_URL: server.url, REDIS_PREFIX: uniquePrefix() };
    app = await createApp({ settings: { ...redis, SEED_DEMO_USERS: 'false', ...settings } });
  };

  beforeEach(() => server.restart());

  afterEach(async () => {
    clients.splice(0).forEach((client) => client.close());
    await app.close();
  });

  const connect = async ({ token }: Account): Promise<TestClient> => {
    const client = await TestClient.connect(app.url, token);
    clients.push(client);
    return client;
  };

  const health = async (): Promise<unknown> => (await request(app.url).get('/api/health').expect(200)).body.redis;
  const isReady = async (): Promise<boolean> => (await request(app.url).get('/health/ready')).status === 200;

  /** Asserts that everything that needs Redis is refused in time, and nothing let through. */
  async function expectRefusals(account: Account, client: TestClient): Promise<void> {
    const from = performance.now();
    const refused = { success: false, code: 'CapacityError' };
    const name = `new${Math.round(performance.now())}`;
    const credentials = { username: name, email: `${name}@example.com`, password: 'password123' };
    const answers = await Promise.all([
      request(app.url).post('/api/auth/register').send(credentials),
      request(app.url).post('/api/auth/login').send(account),
      call(app.url, account.token, 'get', '/api/auth/me'),
      call(app.url, account.token, 'post', '/api/auth/logout'),
      call(app.url, 'x.y.z', 'get', '/api/users'),
      request(app.url).get('/api/redis/test'),
      client
        .emit('message:send', { roomId: 'dm_x_y', content: 'x' })
        .then((body) => ({ status: 503, body, headers: {} })),
      TestClient.connect(app.url, account.token).then(
        () => ({ status: 200, body: {}, headers: {} }),
        ({ data }: { data: object }) => ({ status: 503, body: { success: false, ...data }, headers: {} }),
      ),
    ]);
    expect(performance.now() - from).toBeLessThan(REFUSED_MS);
    for (const { status, body } of answers) {
      expect(body).toMatchObject(refused);
      expect(status).toBe(503);
    }
    expect(answers[0]?.headers).toMatchObject({ 'retry-after': '1' });
  }

  it('refuses in time while Redis is gone, lives, and recovers by itself', async () => {
    await start();
    const alice = await register(app.url, 'alice');
    const client = await connect(alice);
    expect(await isReady()).toBe(true);
    await server.kill();
    await expectRefusals(alice, client);
    expect(await health()).toBe('disconnected');
    expect(await isReady()).toBe(false);
    const { body } = await request(app.url).get('/health').expect(200);
    expect(body).toMatchObject({ success: true, status: 'ok', activeRooms: 0 });
    expect(body).not.toHaveProperty('redisLatencyMs');
    await request(app.url).get('/health/live').expect(200);
    await expectRefusals(alice, client);
    await server.restart();
    await until(isReady, RECOVERED_MS);
    expect(await health()).toBe('connected');
    // Redis came back empty: who was somebody before is nobody now, as after an erasure.
    expect(await client.closed()).toBe('io server disconnect');
    await call(app.url, alice.token, 'get', '/api/auth/me').expect(401);
    const bob = await register(app.url, 'bob');
    await connect(bob);
  });

  it('refuses in time while Redis stalls, and goes on with what it had', async () => {
    await start();
    const alice = await register(app.url, 'alice');
    const client = await connect(alice);
    server.pause();
    try {
      await expectRefusals(alice, client);
      expect(await isReady()).toBe(false);
    } finally {
      server.resume();
    }
    await until(isReady, RECOVERED_MS);
    const me = await call(app.url, alice.token, 'get', '/api/auth/me');
    // The logout that was refused may have been carried out: its caller was told neither way.
    expect([200, 401]).toContain(me.status);
  });

  it('keeps its sockets over a short stall', async () => {
    await start();
    const alice = await register(app.url, 'alice');
    const client = await connect(alice);
    server.pause();
    setTimeout(() => server.resume(), 1000);
    await call(app.url, alice.token, 'get', '/api/auth/me').expect(200);
    await client.settle();
    expect(client.socket.connected).toBe(true);
  });

  it('starts without Redis, refuses, and serves when Redis comes', async () => {
    await server.kill();
    await start({ SEED_DEMO_USERS: 'true' });
    expect(await isReady()).toBe(false);
    expect(await health()).toBe('disconnected');
    const demo = { email: 'alice@example.com', password: 'password123' };
    expect((await request(app.url).post('/api/auth/login').send(demo)).status).toBe(503);
    await server.restart();
    await until(isReady, RECOVERED_MS);
    const users = app.app.get<UserStore>(UserStore, { strict: false });
    await until(async () => (await users.findByEmail(demo.email)) !== undefined, RECOVERED_MS);
    await request(app.url).post('/api/auth/login').send(demo).expect(200);
  });
});

describeRedis('Health with Redis', (server) => {
  let app: TestApp;

  afterEach(() => app.close());

  it('tells how Redis is', async () => {
    app = await createApp({ settings: { REDIS_URL: server.url, REDIS_PREFIX: uniquePrefix() } });
    const { body } = await request(app.url).get('/health').expect(200);
    expect(body).toMatchObject({ redis: 'connected', redisLatencyMs: expect.any(Number) as number });
    const ready = await request(app.url).get('/health/ready').expect(200);
    expect(ready.body).toEqual({ ready: true, checks: { draining: 'up', expiry: 'up', redis: 'up' } });
  });

  it('tries Redis where it is asked to, and leaves nothing behind', async () => {
    app = await createApp({ settings: { REDIS_URL: server.url, REDIS_PREFIX: uniquePrefix() } });
    const { body } = await request(app.url).get('/api/redis/test').expect(200);
    expect(body).toEqual({
      success: true,
      message: expect.any(String) as string,
      result: expect.any(String) as string,
    });
  });

  it('is for admins in production', async () => {
    const ADMIN_TOKEN = 'a-token-of-the-tests-that-is-long-enough';
    app = await createApp({ settings: { NODE_ENV: 'production', REDIS_URL: server.url, ADMIN_TOKEN } });
    const { body } = await request(app.url).get('/api/redis/test').expect(401);
    expect(body).toMatchObject({ success: false, code: 'AuthenticationError' });
    await request(app.url).get('/api/redis/test').set('x-admin-token', ADMIN_TOKEN).expect(200);
  });

  it('does not exist in production without an admin token', async () => {
    app = await createApp({ settings: { NODE_ENV: 'production', REDIS_URL: server.url } });
    await request(app.url).get('/api/redis/test').expect(404);
  });

  it('cannot without it', async () => {
    app = await createApp();
    const { body } = await request(app.url).get('/api/redis/test').expect(503);
    expect(body).toMatchObject({ success: false, code: 'CapacityError' });
    expect((await request(app.url).get('/api/health')).body.redis).toBe('disabled');
    const ready = await request(app.url).get('/health/ready').expect(200);
    expect(ready.body).toEqual({ ready: true, checks: { draining: 'up', expiry: 'up' } });
  });
});
