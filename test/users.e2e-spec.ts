import type { Test as Call } from 'supertest';
import { UsersService } from '../src/users/users.service';
import { AccountsApp, expectError } from './support/accounts-app';

let app: AccountsApp;

beforeEach(async () => {
  app = await AccountsApp.start();
});

afterEach(() => app.close());

const api = (method: 'get' | 'post' | 'patch' | 'delete', path: string, token?: string): Call =>
  app.call(method, `/api/${path}`, token);

describe('GET /api/users', () => {
  it('lists all accounts but oneself, page by page, and tells nothing private', async () => {
    const alice = await app.register('alice');
    const bob = await app.register('bob');
    await app.register('carol');
    await app.createGuest();
    app.pretendOnline(bob.id);
    const first = await api('get', 'users?limit=1', alice.token).expect(200);
    const lastSeen = new Date(app.clock.now()).toISOString();
    expect(first.body).toEqual({
      users: [{ id: bob.id, username: 'bob', isOnline: true, lastSeen, isGuest: false }],
      nextCursor: expect.any(String),
    });
    const second = await api('get', `users?limit=1&cursor=${first.body.nextCursor}`, alice.token).expect(200);
    expect(second.body).toMatchObject({ users: [{ username: 'carol', isOnline: false }], nextCursor: null });
    const whole = await api('get', 'users', alice.token).expect(200);
    expect(whole.body.users).toHaveLength(2);
  });

  it.each(['limit=0', 'limit=201', 'limit=1e1', 'limit=', 'limit=1&limit=2', 'cursor=made-up', 'cursor=a&cursor=b'])(
    'refuses ?%s',
    async (query) => {
      const { token } = await app.register('alice');
      expectError(await api('get', `users?${query}`, token), 400, 'ValidationError');
    },
  );
});

describe('GET /api/users/search', () => {
  it('finds by beginnings of names or a whole address; little, nothing and junk find nobody', async () => {
    const { token } = await app.register('alice');
    await app.register('big_bob');
    const search = async (q: string): Promise<string[]> => {
      const { body } = await api('get', `users/search?${q}`, token).expect(200);
      return (body.users as { username: string }[]).map(({ username }) => username);
    };
    expect(await search('q=BO')).toEqual(['big_bob']);
    expect(await search('q=big_bob@EXAMPLE.com')).toEqual(['big_bob']);
    for (const nothing of ['q=b', 'q=', '', 'q=alice', 'q=ob', 'q=%00%00%00', 'q=.*']) {
      expect(await search(nothing)).toEqual([]);
    }
    expectError(await api('get', `users/search?q=${'x'.repeat(300)}`, token), 400, 'ValidationError');
    expectError(await api('get', 'users/search?q=al&q=bo', token), 400, 'ValidationError');
  });
});

describe('who is online', () => {
  it('is listed and counted, and not taken for an id', async () => {
    const { id, token } = await app.register('alice');
    const guest = await app.createGuest();
    app.pretendOnline(guest.id, id, 'gone');
    const online = await api('get', 'users/online', token).expect(200);
    expect(online.body).toMatchObject({
      success: true,
      data: { count: 3, onlineUsers: [{ id: guest.id, isGuest: true, isOnline: true }, { id }] },
    });
    const available = await api('get', 'users/available', guest.token).expect(200);
    expect(available.body.data).toEqual({ availableUsers: online.body.data.onlineUsers, count: 3 });
    const { body } = await api('get', 'users/stats', token).expect(200);
    const stats = { totalUsers: 2, onlineUsers: 3, availableUsers: 3, connectedUsers: 6 };
    expect(body).toEqual({ success: true, data: { stats, statistics: stats } });
  });
});

describe('GET /api/users/:id', () => {
  it('gives the public profile of anyone who is there', async () => {
    const [alice, bob] = [await app.register('alice'), await app.register('bob')];
    const { body } = await api('get', `users/${bob.id}`, alice.token).expect(200);
    expect(Object.keys(body).sort()).toEqual(['id', 'isGuest', 'isOnline', 'lastSeen', 'username']);
    for (const id of ['nobody', '__proto__', '%00', '%E0%A4%A', 'me', 'x'.repeat(500)]) {
      expectError(await api('get', `users/${id}`, alice.token), 404, 'NotFoundError');
    }
  });
});

describe('PATCH /api/users/me', () => {
  it('changes what is given; empty takes away, null and unknown fields change nothing', async () => {
    const { id, token } = await app.register('alice');
    const patch = (body: object): Call => api('patch', 'users/me', token).send(body);
    const first = await patch({ displayName: ' <b>A</b> ', bio: 'line\r\nline', role: 'admin', id: 'x' }).expect(200);
    expect(first.body.user).toMatchObject({ id, displayName: '<b>A</b>', bio: 'line\nline', role: 'user' });
    const second = await patch({ username: 'Alicia', displayName: '', bio: null, status: 'away' }).expect(200);
    expect(second.body).toMatchObject({ username: 'Alicia', user: { bio: 'line\nline', status: 'away' } });
    expect(second.body.user).not.toHaveProperty('displayName');
    expect((await api('get', 'auth/me', token)).body).toEqual(second.body);
  });

  it('refuses what is too long, of a wrong type, or taken', async () => {
    const { token } = await app.register('alice');
    await app.register('bob');
    for (const body of [
      { displayName: '💬'.repeat(51) },
      { bio: 'x'.repeat(501) },
      { status: 'x'.repeat(101) },
      { status: 7 },
      { username: '' },
      [],
    ]) {
      expectError(await api('patch', 'users/me', token).send(body), 400, 'ValidationError');
    }
    expectError(await api('patch', 'users/me', token).send({ username: 'BOB' }), 409, 'ConflictError');
    await api('patch', 'users/me', token)
      .send({ displayName: '💬'.repeat(50) })
      .expect(200);
  });
});

describe('DELETE /api/users/me', () => {
  it('erases the account, its tokens and its name', async () => {
    const [alice, bob] = [await app.register('alice'), await app.register('bob')];
    const erased = jest.fn();
    app.nest.get(UsersService).onErase(erased);
    await api('delete', 'users/me', alice.token).expect(204);
    expect(erased).toHaveBeenCalledWith(alice.id);
    expectError(await api('get', 'auth/me', alice.token), 401, 'AuthenticationError', 'Invalid or expired token');
    expectError(await app.login('alice'), 401, 'AuthenticationError', 'Invalid email or password');
    expectError(await api('get', `users/${alice.id}`, bob.token), 404, 'NotFoundError');
    await app.register('alice');
  });
});
