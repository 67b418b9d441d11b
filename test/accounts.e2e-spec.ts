import type { Test as Call } from 'supertest';
import { AccountsApp, credentials, expectError, PASSWORD } from './support/accounts-app';

let app: AccountsApp;

beforeEach(async () => {
  app = await AccountsApp.start();
});

afterEach(() => app.close());

const api = (method: 'get' | 'post' | 'patch' | 'delete', path: string, token?: string): Call =>
  app.call(method, `/api/${path}`, token);

const WEEK_MS = 7 * 86_400_000;

const PROTECTED = [
  ['get', 'auth/me'],
  ['post', 'auth/refresh'],
  ['post', 'auth/logout'],
  ['post', 'auth/password'],
  ['get', 'users'],
  ['get', 'users/search'],
  ['get', 'users/online'],
  ['get', 'users/available'],
  ['get', 'users/stats'],
  ['get', 'users/someone'],
  ['patch', 'users/me'],
  ['delete', 'users/me'],
] as const;

describe('every protected route', () => {
  it.each(PROTECTED)('%s %s refuses who has no token, a bad, a revoked or an expired one', async (method, path) => {
    const [revoked, expired] = [await app.register('alice'), await app.register('bob')];
    await api('post', 'auth/logout', revoked.token).expect(204);
    expectError(await api(method, path), 401, 'AuthenticationError', 'Authentication token required');
    expectError(await api(method, path, 'x.y.z'), 401, 'AuthenticationError', 'Invalid or expired token');
    expectError(await api(method, path, revoked.token), 401, 'AuthenticationError', 'Token has been revoked');
    app.clock.advance(WEEK_MS);
    expectError(await api(method, path, expired.token), 401, 'AuthenticationError', 'Token has expired');
  });

  it.each([
    ['post', 'auth/refresh'],
    ['post', 'auth/password'],
    ['patch', 'users/me'],
  ] as const)('%s %s is not for guests', async (method, path) => {
    const guest = await app.createGuest();
    expectError(await api(method, path, guest.token).send({}), 403, 'AuthorizationError');
  });

  it('says in the words for guests that a session is gone', async () => {
    const guest = await app.createGuest();
    await api('delete', 'users/me', guest.token).expect(204);
    const refused = await api('get', 'auth/me', guest.token);
    expectError(refused, 401, 'AuthenticationError', 'Guest session not found or expired');
    expect(refused.headers['www-authenticate']).toBe('Bearer');
  });
});

describe('POST /api/auth/register', () => {
  it('makes an account and gives token and user at the top and under data', async () => {
    const account = { username: ' Alice.B ', email: ' Alice@Example.COM ', password: PASSWORD, isAdmin: true };
    const { body } = await api('post', 'auth/register').send(account).expect(201);
    const now = new Date(app.clock.now()).toISOString();
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      token: expect.any(String),
      user: {
        id: expect.stringMatching(/^[0-9a-f]{24}$/),
        username: 'Alice.B',
        email: 'alice@example.com',
        isOnline: false,
        lastSeen: now,
        createdAt: now,
        isGuest: false,
        role: 'user',
      },
      data: { token: body.token, user: body.user },
    });
    await api('get', 'auth/me', body.token).expect(200);
  });

  it.each([
    ['no fields', {}],
    ['a short name', { username: 'al' }],
    ['a long name', { username: 'a'.repeat(31) }],
    ['a name with a space', { username: 'al ice' }],
    ['a name that is no text', { username: { $ne: null } }],
    ['an address without a host', { email: 'alice' }],
    ['an address in a list', { email: ['alice@example.com'] }],
    ['a short password', { password: 'secret1' }],
    ['a password of 73 bytes', { password: 'ü'.repeat(36) + 'x' }],
    ['a password that is no text', { password: 12_345_678 }],
  ])('refuses %s', async (what, changes) => {
    const body = what === 'no fields' ? {} : { ...credentials('alice'), ...changes };
    const response = await api('post', 'auth/register').send(body);
    expectError(response, 400, 'ValidationError');
    const fields = (response.body.details as { field: string }[]).map(({ field }) => field);
    expect(fields).toEqual(what === 'no fields' ? ['username', 'email', 'password'] : Object.keys(changes));
  });

  it('takes a password of 72 bytes as it is, spaces included', async () => {
    const password = ` ${'ü'.repeat(35)} `;
    await api('post', 'auth/register')
      .send({ ...credentials('alice'), password })
      .expect(201);
    await app.login('alice', password).expect(200);
    expectError(await app.login('alice', password.trim()), 401, 'AuthenticationError');
  });

  it('refuses a name and an address that are taken, in whatever case', async () => {
    await app.register('alice');
    const account = credentials('other');
    const named = await api('post', 'auth/register').send({ ...account, username: 'ALICE' });
    expectError(named, 409, 'ConflictError', 'That username is taken');
    const addressed = await api('post', 'auth/register').send({ ...account, email: 'ALICE@example.com' });
    expectError(addressed, 409, 'ConflictError', 'That e-mail address is registered already');
  });
});

describe('POST /api/auth/login', () => {
  it('gives what registering gives', async () => {
    const { id } = await app.register('alice');
    const { body } = await api('post', 'auth/login')
      .send({ email: ' ALICE@example.com', password: PASSWORD })
      .expect(200);
    expect(body).toMatchObject({ success: true, user: { id, username: 'alice' }, data: { token: body.token } });
    expect(body.data.user).toEqual(body.user);
  });

  it('says the same of a wrong password and of an unknown address', async () => {
    await app.register('alice');
    const wrong = await app.login('alice', 'not the password');
    const unknown = await app.login('nobody');
    expectError(wrong, 401, 'AuthenticationError', 'Invalid email or password');
    expectError(unknown, 401, 'AuthenticationError', 'Invalid email or password');
  });

  it('refuses a body without a password, or with one that is absurd', async () => {
    expectError(await api('post', 'auth/login').send({ email: 'alice@example.com' }), 400, 'ValidationError');
    expectError(await app.login('alice', 'x'.repeat(2000)), 400, 'ValidationError');
  });

  it('is locked after ten failures, with Retry-After', async () => {
    for (let i = 0; i < 10; i++) {
      await app.login('nobody').expect(401);
    }
    const locked = await app.login('nobody');
    expectError(locked, 429, 'RateLimitError');
    expect(locked.headers['retry-after']).toBe('900');
  });
});

describe('GET /api/auth/me', () => {
  it('gives the own profile in every shape that clients read', async () => {
    const { id, token } = await app.register('alice');
    app.pretendOnline(id);
    const { body } = await api('get', 'auth/me', token).expect(200);
    expect(body).toMatchObject({ success: true, id, username: 'alice', email: 'alice@example.com' });
    expect(body.user).toMatchObject({ id, isOnline: true, role: 'user', isGuest: false });
    expect(body.data).toEqual({ user: body.user });
  });
});

describe('POST /api/auth/refresh and logout', () => {
  it('gives a new token; the old one lives a minute longer', async () => {
    const { token } = await app.register('alice');
    const { body } = await api('post', 'auth/refresh', token).expect(200);
    expect(body).toEqual({ success: true, token: expect.any(String), data: { token: body.token } });
    expect(body.token).not.toBe(token);
    await api('post', 'auth/refresh', token).expect(200);
    app.clock.advance(60_000);
    expectError(await api('get', 'auth/me', token), 401, 'AuthenticationError', 'Token has expired');
    await api('get', 'auth/me', body.token).expect(200);
  });

  it('logs out one token only', async () => {
    const { token } = await app.register('alice');
    const other = (await app.login('alice')).body.token as string;
    const { text } = await api('post', 'auth/logout', token).expect(204);
    expect(text).toBe('');
    await api('get', 'auth/me', token).expect(401);
    await api('get', 'auth/me', other).expect(200);
  });
});

describe('POST /api/auth/password', () => {
  const change = (token: string, body: object): Call => api('post', 'auth/password', token).send(body);

  it('changes the password and ends every other token', async () => {
    const { token } = await app.register('alice');
    const other = (await app.login('alice')).body.token as string;
    await change(token, { currentPassword: PASSWORD, newPassword: 'a better password' }).expect(204);
    await api('get', 'auth/me', token).expect(200);
    expectError(await api('get', 'auth/me', other), 401, 'AuthenticationError', 'Token has been revoked');
    await app.login('alice').expect(401);
    await app.login('alice', 'a better password').expect(200);
  });

  it('refuses a wrong current password and a new one that is too short', async () => {
    const { token } = await app.register('alice');
    expectError(await change(token, { currentPassword: 'wrong', newPassword: PASSWORD }), 403, 'AuthorizationError');
    expectError(await change(token, { currentPassword: PASSWORD, newPassword: 'x' }), 400, 'ValidationError');
    await app.login('alice').expect(200);
  });
});
