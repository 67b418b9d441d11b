import request, { type Response } from 'supertest';
import { NodeBus } from '../src/storage/node-bus';
import { Redis } from '../src/storage/redis';
import { type Account, call, register, TestClient } from './support/clients';
import { createApp, type TestApp } from './support/create-app';
import { describeRedis, uniquePrefix } from './support/redis-server';
import { until } from './support/until';

/** Revocation reaches sockets on every node by then (accounts.md). */
const REACH_MS = 1000;

describeRedis('Two nodes over one Redis', (server) => {
  let a: TestApp;
  let b: TestApp;

  async function start(settings: Record<string, string> = {}): Promise<void> {
    const shared = { REDIS_URL: server.url, REDIS_PREFIX: uniquePrefix(), SEED_DEMO_USERS: 'false', ...settings };
    [a, b] = await Promise.all([createApp({ settings: shared }), createApp({ settings: shared })]);
  }

  afterEach(() => Promise.all([a.close(), b.close()]));

  const login = ({ url }: TestApp, { email, password }: Pick<Account, 'email' | 'password'>): Promise<Response> =>
    request(url).post('/api/auth/login').send({ email, password });

  /** Why the socket ended; fails where it did not in time. */
  const end = ({ socket }: TestClient): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('The socket is still there')), REACH_MS);
      socket.once('disconnect', (reason) => {
        clearTimeout(timer);
        resolve(reason);
      });
    });

  const alive = async (client: TestClient): Promise<void> => {
    await client.settle();
    expect(client.socket.connected).toBe(true);
  };

  it('hold the number of sockets of a user together', async () => {
    await start({ MAX_SOCKETS_PER_USER: '2' });
    const alice = await register(a.url, 'alice');
    const clients = [await TestClient.connect(a.url, alice.token), await TestClient.connect(b.url, alice.token)];
    await Promise.all(clients.map((client) => client.next('connection:established')));
    await Promise.all(clients.map((client) => client.settle()));
    for (const { url } of [a, b]) {
      await expect(TestClient.connect(url, alice.token)).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    }
    clients.forEach((client) => client.close());
  });

  it('hold it when all come at once, whichever node they come to', async () => {
    await start({ MAX_SOCKETS_PER_USER: '3' });
    const alice = await register(a.url, 'alice');
    const attempts = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => TestClient.connect((i % 2 ? a : b).url, alice.token)),
    );
    const clients = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    await until(() => clients.filter(({ socket }) => socket.connected).length === 3);
    for (const { reason } of attempts.filter((attempt) => attempt.status === 'rejected')) {
      expect(reason).toMatchObject({ data: { code: 'CapacityError' } });
    }
    const standing = clients.filter(({ socket }) => socket.connected);
    await Promise.all(standing.map(alive));
    clients.forEach((client) => client.close());
  });

  it('hold the number of connections of an address together, and count those out that go', async () => {
    await start({ MAX_SOCKETS_PER_IP: '3' });
    const alice = await register(a.url, 'alice');
    const attempts = await Promise.allSettled(
      Array.from({ length: 9 }, (_, i) => TestClient.connect((i % 2 ? a : b).url, alice.token)),
    );
    const clients = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(clients).toHaveLength(3);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject(
        attempt.status === 'rejected' ? { reason: { data: { code: 'CapacityError' } } } : {},
      );
    }
    clients[0]?.close();
    await until(async () => {
      const client = await TestClient.connect(b.url, alice.token).catch(() => undefined);
      return client !== undefined && clients.push(client) > 0;
    });
    await expect(TestClient.connect(a.url, alice.token)).rejects.toMatchObject({ data: { code: 'CapacityError' } });
    clients.forEach((client) => client.close());
  });

  describe('accounts', () => {
    beforeEach(() => start());

    it('are the same on both', async () => {
      const alice = await register(a.url, 'alice');
      const { body } = await login(b, alice);
      expect(body).toMatchObject({ success: true, user: { id: alice.id, email: alice.email } });
      for (const token of [alice.token, body.token as string]) {
        for (const node of [a, b]) {
          await call(node.url, token, 'get', '/api/auth/me').expect(200);
        }
      }
    });

    it('have a name once, whichever node is asked', async () => {
      const wanted = { username: 'wanted', password: 'password123' };
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          request((i % 2 ? a : b).url)
            .post('/api/auth/register')
            .send({ ...wanted, email: `wanted${i}@example.com` }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(7).fill(409)]);
    });

    it('lose the token that logs out on one, and its sockets on the other, and no more', async () => {
      const alice = await register(a.url, 'alice');
      const { token } = (await login(b, alice)).body as { token: string };
      const [leaving, staying] = [await TestClient.connect(b.url, alice.token), await TestClient.connect(b.url, token)];
      const ended = end(leaving);
      await call(a.url, alice.token, 'post', '/api/auth/logout').expect(204);
      expect(await ended).toBe('io server disconnect');
      await call(b.url, alice.token, 'get', '/api/auth/me').expect(401);
      await alive(staying);
      await call(b.url, token, 'get', '/api/auth/me').expect(200);
      staying.close();
    });

    it('lose all tokens but one when the password changes, and their sockets', async () => {
      const alice = await register(a.url, 'alice');
      const { token } = (await login(b, alice)).body as { token: string };
      const [old, mine] = [await TestClient.connect(b.url, token), await TestClient.connect(b.url, alice.token)];
      const ended = end(old);
      const passwords = { currentPassword: alice.password, newPassword: 'another password' };
      await call(a.url, alice.token, 'post', '/api/auth/password').send(passwords).expect(204);
      expect(await ended).toBe('io server disconnect');
      await alive(mine);
      expect((await login(b, alice)).status).toBe(401);
      expect((await login(b, { ...alice, password: 'another password' })).status).toBe(200);
      mine.close();
    });

    it('are gone everywhere when they are erased on one', async () => {
      const [alice, bob] = [await register(a.url, 'alice'), await register(a.url, 'bob')];
      const [gone, other] = [await TestClient.connect(b.url, alice.token), await TestClient.connect(b.url, bob.token)];
      const ended = end(gone);
      await call(a.url, alice.token, 'delete', '/api/users/me').expect(204);
      expect(await ended).toBe('io server disconnect');
      await expect(TestClient.connect(b.url, alice.token)).rejects.toMatchObject({
        message: 'Invalid or expired token',
      });
      expect((await login(b, alice)).status).toBe(401);
      await call(b.url, bob.token, 'get', `/api/users/${alice.id}`).expect(404);
      await alive(other);
      other.close();
    });

    it('lose their sockets on the other though the one is killed as soon as that is stored', async () => {
      const [alice, bob] = [await register(a.url, 'alice'), await register(a.url, 'bob')];
      const [gone, other] = [await TestClient.connect(b.url, alice.token), await TestClient.connect(b.url, bob.token)];
      const { token } = (await login(a, alice)).body as { token: string };
      const second = await TestClient.connect(b.url, token);
      // What a killed node does not come to any more.
      jest.spyOn(a.app.get<NodeBus>(NodeBus), 'publish').mockImplementation(() => undefined);
      const ended = end(gone);
      await call(a.url, alice.token, 'post', '/api/auth/logout').expect(204);
      expect(await ended).toBe('io server disconnect');
      await alive(second);
      const all = end(second);
      const passwords = { currentPassword: alice.password, newPassword: 'another password' };
      const mine = (await login(a, alice)).body as { token: string };
      await call(a.url, mine.token, 'post', '/api/auth/password').send(passwords).expect(204);
      expect(await all).toBe('io server disconnect');
      await alive(other);
      other.close();
    });

    it('lose their sockets though the node did not hear of it, once it can look', async () => {
      const [alice, bob] = [await register(a.url, 'alice'), await register(a.url, 'bob')];
      const [deaf, other] = [await TestClient.connect(b.url, alice.token), await TestClient.connect(b.url, bob.token)];
      const bus = b.app.get<{ receive: (text: string) => void }>(NodeBus as never);
      const cut = jest.spyOn(bus, 'receive').mockImplementation(() => undefined);
      await call(a.url, alice.token, 'post', '/api/auth/logout').expect(204);
      await alive(deaf);
      cut.mockRestore();
      const ended = end(deaf);
      await b.app.get(Redis).run((client) => client.client('KILL', 'TYPE', 'pubsub'));
      expect(await ended).toBe('io server disconnect');
      await alive(other);
      other.close();
    });
  });

  describe('limits', () => {
    it('of REST are one for both', async () => {
      await start({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '4' });
      const statuses: number[] = [];
      for (const { url } of [a, b, a, b, a, b]) {
        statuses.push((await request(url).get('/api/auth/me')).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
    });

    it('of socket events too', async () => {
      await start({ SOCKET_EVENTS_PER_MINUTE: '1', SOCKET_EVENTS_BURST: '3' });
      const alice = await register(a.url, 'alice');
      const clients = [await TestClient.connect(a.url, alice.token), await TestClient.connect(b.url, alice.token)];
      const codes: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        codes.push((await clients[i % 2]?.emit('message:send', { roomId: 'dm_x_y', content: 'x' }))?.code);
      }
      expect(codes.slice(0, 3)).not.toContain('RateLimitError');
      expect(codes.slice(3)).toEqual(Array(3).fill('RateLimitError'));
      clients.forEach((client) => client.close());
    });

    it('of guesses at a password are counted together', async () => {
      await start();
      const alice = await register(a.url, 'alice');
      const wrong = { ...alice, password: 'wrong password' };
      for (let i = 0; i < 10; i++) {
        expect((await login(i % 2 ? a : b, wrong)).status).toBe(401);
      }
      for (const node of [a, b]) {
        const locked = await login(node, alice);
        expect(locked.status).toBe(429);
        expect(Number(locked.headers['retry-after'])).toBeGreaterThan(800);
      }
    });
  });
});
