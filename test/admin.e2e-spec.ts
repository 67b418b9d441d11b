import { Logger } from '@nestjs/common';
import request, { type Response, type Test } from 'supertest';
import { UsersService } from '../src/users/users.service';
import { SessionRegistry } from '../src/realtime/session-registry';
import { expectError } from './support/accounts-app';
import { ChatApp, roomOf, say } from './support/chat-app';
import type { Account } from './support/clients';

const ADMIN_TOKEN = 'a-token-of-operators';
const UNKNOWN_ID = '0123456789abcdef01234567';
const CAROL = { username: 'carol', email: 'Carol@Example.com', password: 'correct horse' };

type Method = 'get' | 'post' | 'put' | 'delete';

/** Every route of the admin. */
const ROUTES: readonly [Method, string][] = [
  ['get', 'users'],
  ['post', 'users'],
  ['put', `users/${UNKNOWN_ID}`],
  ['delete', `users/${UNKNOWN_ID}`],
  ['post', `users/${UNKNOWN_ID}/revoke`],
  ['get', 'overview'],
];

let chat: ChatApp;

afterEach(async () => {
  jest.restoreAllMocks();
  await chat.close();
});

const call = (method: Method, path: string): Test => request(chat.url)[method](`/api/admin/${path}`);
const admin = (method: Method, path: string): Test => call(method, path).set('x-admin-token', ADMIN_TOKEN);
const as = ({ token }: { token: string }, method: Method, path: string): Test =>
  call(method, path).set('Authorization', `Bearer ${token}`);
const login = ({ email, password }: { email: string; password: string }): Test =>
  request(chat.url).post('/api/auth/login').send({ email, password });
const promote = (account: Account, role = 'admin'): Test => admin('put', `users/${account.id}`).send({ role });

describe('the admin routes', () => {
  it.each(ROUTES)('%s %s does not exist without ADMIN_TOKEN, for whoever asks', async (method, path) => {
    chat = await ChatApp.start();
    const account = await chat.register();
    await chat.get(UsersService).update(account.id, { role: 'admin' });
    for (const refused of [call(method, path), admin(method, path), as(account, method, path)]) {
      expectError(await refused, 404, 'NotFoundError', 'There is no such route');
    }
  });

  describe('with ADMIN_TOKEN', () => {
    beforeEach(async () => {
      chat = await ChatApp.start({ ADMIN_TOKEN });
    });

    it.each(ROUTES)('%s %s is for admins only', async (method, path) => {
      const [user, guest] = [await chat.register(), await chat.guest()];
      expectError(await call(method, path), 401, 'AuthenticationError');
      for (const wrong of ['', `${ADMIN_TOKEN}x`, ADMIN_TOKEN.slice(1), user.token]) {
        expectError(await call(method, path).set('x-admin-token', wrong), 401, 'AuthenticationError');
      }
      // A wrong token is one, whatever comes with it.
      await promote(user);
      expectError(await as(user, method, path).set('x-admin-token', 'wrong'), 401, 'AuthenticationError');
      await promote(user, 'user');
      expectError(await as({ token: ADMIN_TOKEN }, method, path), 401, 'AuthenticationError');
      expectError(await as(user, method, path), 403, 'AuthorizationError');
      expectError(await as(guest, method, path), 403, 'AuthorizationError');
    });

    it.each(ROUTES)('%s %s lets in who has the token or the role', async (method, path) => {
      const boss = await chat.register('boss');
      await promote(boss);
      const expected = { get: 200, post: path === 'users' ? 400 : 404, put: 404, delete: 404 }[method];
      await admin(method, path).expect(expected);
      await as(boss, method, path).expect(expected);
    });

    it('lists accounts page by page, no guests', async () => {
      const people = [await chat.person('a'), await chat.register('b'), await chat.register('c')];
      await chat.guest();
      const { body } = await admin('get', 'users').expect(200);
      expect(body).toEqual({
        users: people.map(({ id, username, email }, i) => {
          return { id, username, email, role: 'user', createdAt: chat.iso(), isOnline: i === 0 };
        }),
        nextCursor: null,
      });
      const { body: first } = await admin('get', 'users?limit=2').expect(200);
      const { body: second } = await admin('get', `users?limit=2&cursor=${first.nextCursor}`).expect(200);
      expect([...first.users, ...second.users]).toEqual(body.users);
      for (const query of ['limit=0', 'limit=1001', 'limit=x', 'cursor=made-up']) {
        expectError(await admin('get', `users?${query}`), 400, 'ValidationError');
      }
    });

    it('makes accounts, under the rules of registering', async () => {
      const { body } = await admin('post', 'users').send(CAROL).expect(201);
      const user = { username: 'carol', email: 'carol@example.com', role: 'user', createdAt: chat.iso() };
      expect(body).toEqual({ user: { ...user, id: body.user.id, isOnline: false } });
      await login(CAROL).expect(200);
      const boss = { ...CAROL, username: 'boss', email: 'boss@example.com', role: 'admin' };
      expect((await admin('post', 'users').send(boss).expect(201)).body.user.role).toBe('admin');
      const { body: session } = await login(boss).expect(200);
      await as(session, 'get', 'overview').expect(200);

      expectError(await admin('post', 'users').send({ ...CAROL, email: 'c@example.com' }), 409, 'ConflictError');
      expectError(await admin('post', 'users').send({ ...CAROL, username: 'other' }), 409, 'ConflictError');
      for (const bad of [{ role: 'root' }, { password: 'short' }, { username: 'a b' }, { email: 'x' }, { role: 1 }]) {
        expectError(await admin('post', 'users').send({ ...CAROL, ...bad }), 400, 'ValidationError');
      }
    });

    it('changes accounts, what is left out stays', async () => {
      const [alice, bob] = [await chat.register('alice'), await chat.register('bob')];
      const { body } = await admin('put', `users/${alice.id}`).send({ username: 'Al', email: 'AL@Example.com' });
      expect(body.code).toBe('ValidationError');
      await admin('put', `users/${alice.id}`)
        .send({ username: 'Alec', email: 'AL@Example.com', role: null })
        .expect(200);
      const { body: changed } = await admin('put', `users/${alice.id}`).send({}).expect(200);
      expect(changed.user).toMatchObject({ id: alice.id, username: 'Alec', email: 'al@example.com', role: 'user' });
      await chat.api(alice, 'get', 'auth/me').expect(200);
      const taken = { username: bob.username.toUpperCase(), password: 'another password' };
      expectError(await admin('put', `users/${alice.id}`).send(taken), 409, 'ConflictError');
      await login({ ...alice, email: 'al@example.com' }).expect(200);
      expectError(await admin('put', `users/${UNKNOWN_ID}`).send({ role: 'admin' }), 404, 'NotFoundError');
      const guest = await chat.guest();
      expectError(await admin('put', `users/${guest.id}`).send({ role: 'admin' }), 404, 'NotFoundError');
    });

    it('gives and takes the role for tokens and sockets that are there', async () => {
      const boss = await chat.person('boss');
      const [socket] = chat.get(SessionRegistry).socketsOf(boss.id);
      await as(boss, 'get', 'overview').expect(403);
      await promote(boss);
      expect(socket?.data.identity).toMatchObject({ userId: boss.id, role: 'admin', username: boss.username });
      await as(boss, 'get', 'overview').expect(200);
      expect((await chat.api(boss, 'get', 'auth/me')).body.user.role).toBe('admin');
      await as(boss, 'put', `users/${boss.id}`).send({ role: 'user' }).expect(200);
      expect(socket?.data.identity.role).toBe('user');
      await as(boss, 'get', 'overview').expect(403);
    });

    it('sets passwords, which ends all tokens and sockets of that account alone', async () => {
      const { alice, bob } = await chat.trio();
      await admin('put', `users/${alice.id}`).send({ password: 'another password' }).expect(200);
      await alice.client.closed();
      expectError(await chat.api(alice, 'get', 'auth/me'), 401, 'AuthenticationError', 'Token has been revoked');
      await login(alice).expect(401);
      const { body } = await login({ ...alice, password: 'another password' }).expect(200);
      (await chat.connect(body)).close();
      await bob.client.settle();
    });

    it('revokes all tokens of accounts and guests', async () => {
      const { alice, bob } = await chat.trio();
      await admin('post', `users/${alice.id}/revoke`).expect(204);
      await alice.client.closed();
      await expect(chat.connect(alice)).rejects.toThrow('Token has been revoked');
      await login(alice).expect(200);
      await bob.client.settle();
      const guest = await chat.guest();
      await admin('post', `users/${guest.id}/revoke`).expect(204);
      await chat.api(guest, 'get', 'auth/me').expect(401);
      expectError(await admin('post', `users/${UNKNOWN_ID}/revoke`), 404, 'NotFoundError');
    });

    it('erases users as completely as they would themselves', async () => {
      const { alice, bob, carol } = await chat.trio();
      await say(alice, roomOf(alice, bob), 'a needle');
      expect((await admin('delete', `users/${alice.id}`).expect(200)).body).toEqual({ success: true });
      await alice.client.closed();
      expect(await bob.client.next('room:closed')).toEqual({ roomId: roomOf(alice, bob), reason: 'erased' });
      await login(alice).expect(401);
      expect((await chat.api(bob, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
      expect((await admin('get', 'users')).body.users.map(({ id }: { id: string }) => id)).toEqual([bob.id, carol.id]);
      expectError(await admin('delete', `users/${alice.id}`), 404, 'NotFoundError');
      await carol.client.settle();
      expect(carol.client.all('room:closed')).toEqual([]);
    });

    it('tells how things are', async () => {
      const { alice, bob } = await chat.trio();
      await say(alice, roomOf(alice, bob), 'one');
      await chat.guest();
      const { body } = await admin('get', 'overview').expect(200);
      expect(body).toEqual({
        counts: { accounts: 3, guests: 1, onlineUsers: 3, sockets: 3, rooms: 1, messages: 1 },
        memory: {
          rss: expect.any(Number),
          heapUsed: expect.any(Number),
          external: expect.any(Number),
          messages: expect.any(Number),
        },
        overdueItems: 0,
        nodes: 1,
        uptime: expect.any(Number),
      });
    });
  });
});

describe('the audit log', () => {
  let lines: unknown[];

  const done = async (made: Test): Promise<Response> => {
    lines.length = 0;
    return made;
  };

  beforeEach(async () => {
    chat = await ChatApp.start({ ADMIN_TOKEN });
    lines = [];
    jest.spyOn(Logger.prototype, 'log').mockImplementation((entry: unknown) => void lines.push(entry));
  });

  it('has one line for each call, with ids only', async () => {
    const boss = await chat.register('boss');
    await promote(boss);
    const line = (action: string, actor: string, target: string | null, outcome = 'ok'): object[] => {
      return [{ action, actor, target, at: chat.iso(), outcome }];
    };
    await done(as(boss, 'get', 'users'));
    expect(lines).toEqual(line('users.list', boss.id, null));
    const { body } = await done(admin('post', 'users').send(CAROL));
    const { id } = body.user;
    expect(lines).toEqual(line('users.create', 'admin-token', id));
    await done(as(boss, 'put', `users/${id}`).send({ username: 'caroline', password: 'a new password' }));
    expect(lines).toEqual(line('users.change', boss.id, id));
    await done(as(boss, 'post', `users/${id}/revoke`));
    expect(lines).toEqual(line('users.revoke', boss.id, id));
    await done(as(boss, 'delete', `users/${id}`));
    expect(lines).toEqual(line('users.erase', boss.id, id));
    await done(as(boss, 'delete', `users/${id}`));
    expect(lines).toEqual(line('users.erase', boss.id, id, 'NotFoundError'));
    await done(as(boss, 'get', 'overview'));
    expect(lines).toEqual(line('overview', boss.id, null));
    await done(admin('post', 'users').send({ username: 'a needle' }));
    expect(lines).toEqual(line('users.create', 'admin-token', null, 'ValidationError'));
  });

  it('has one for each that was refused, and repeats nothing that is no id', async () => {
    const user = await chat.register();
    const line = (actor: string, target: string | null, outcome: string): object[] => {
      return [{ action: 'users.erase', actor, target, at: chat.iso(), outcome }];
    };
    await done(as(user, 'delete', `users/${UNKNOWN_ID}`));
    expect(lines).toEqual(line(user.id, UNKNOWN_ID, 'AuthorizationError'));
    await done(call('delete', 'users/a-needle'));
    expect(lines).toEqual(line('unknown', null, 'AuthenticationError'));
    await done(call('delete', `users/${UNKNOWN_ID}`).set('x-admin-token', 'wrong'));
    expect(lines).toEqual(line('unknown', UNKNOWN_ID, 'AuthenticationError'));
  });
});
