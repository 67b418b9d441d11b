import { PATH_PREFIXES } from '../src/common/http/path-prefixes';
import { AccountsApp, expectError } from './support/accounts-app';

let app: AccountsApp;

afterEach(() => app.close());

describe.each(PATH_PREFIXES)('below %s', (prefix) => {
  const get = (path: string, token?: string) => app.call('get', `${prefix}${path}`, token);

  it('every REST path answers as it does without', async () => {
    app = await AccountsApp.start();
    const { id, token } = await app.register('alice');
    const { body } = await app.call('post', `${prefix}/api/auth/login`).send({
      email: 'alice@example.com',
      password: 'password123',
    });
    expect(body).toMatchObject({ success: true, user: { id } });
    expect((await get('/api/auth/me', token).expect(200)).body.id).toBe(id);
    expectError(await get('/api/auth/me'), 401, 'AuthenticationError');
    expectError(await get('/api/nothing'), 404, 'NotFoundError', 'There is no such route');
    expect((await get('/api/users/search?q=al', token).expect(200)).body).toEqual({ users: [] });
    for (const path of ['/health', '/health/ready', '/', '', '?x=1', '/api/asyncapi.json']) {
      await get(path).expect(200);
    }
    const page = await get('/api/docs/').expect(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.text).not.toMatch(/(?:src|href)="\//);
    expect((await app.call('get', '/api/docs-json')).body.paths).not.toHaveProperty([`${prefix}/api/auth/me`]);
  });

  it('nothing else is found: the prefix is taken off once, and only as a whole', async () => {
    app = await AccountsApp.start();
    for (const path of [`${prefix}/health`, 'x/health', '//health', '/..//health', `/x${prefix}/health`]) {
      expectError(await get(path), 404, 'NotFoundError');
    }
  });

  it('limits are the same buckets', async () => {
    app = await AccountsApp.start({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '2' });
    await app.call('get', '/api/auth/me').expect(401);
    await get('/api/users').expect(401);
    expectError(await get('/api/auth/me'), 429, 'RateLimitError');
    await app.call('get', '/api/auth/me').expect(429);
    await get('/health').expect(200);
  });

  it('browsers may ask: preflights are answered', async () => {
    app = await AccountsApp.start({ CORS_ORIGIN: 'https://chat.example.com' });
    const preflight = (origin: string) =>
      app.call('options', `${prefix}/api/chat/rooms`).set({
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,authorization',
      });
    expect((await preflight('https://chat.example.com')).headers).toMatchObject({
      'access-control-allow-origin': 'https://chat.example.com',
      'access-control-allow-credentials': 'true',
    });
    expect((await preflight('https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
  });
});
