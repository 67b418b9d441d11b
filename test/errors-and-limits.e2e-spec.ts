import type { Test as Call } from 'supertest';
import { RateLimiter } from '../src/limits/rate-limiter';
import { ProfilesService } from '../src/users/profiles.service';
import { AccountsApp, expectError } from './support/accounts-app';

let app: AccountsApp;

beforeEach(async () => {
  app = await AccountsApp.start();
});

afterEach(() => app.close());

const api = (method: 'get' | 'post' | 'patch' | 'delete', path: string, token?: string): Call =>
  app.call(method, `/api/${path}`, token);

describe('errors', () => {
  const raw = (body: string, headers: Record<string, string> = {}): Call =>
    app.call('post', '/api/auth/login').set('Content-Type', 'application/json').set(headers).send(body);

  it('of unknown routes and methods are in the shape of the contract', async () => {
    expectError(await api('get', 'nothing'), 404, 'NotFoundError', 'There is no such route');
    expectError(await api('delete', 'auth/login'), 404, 'NotFoundError');
  });

  it('of unreadable bodies too, and echo nothing of them', async () => {
    const malformed = await raw('{"needle": ');
    expectError(malformed, 400, 'ValidationError');
    expect(malformed.text).not.toContain('needle');
    expectError(await raw('"text"'), 400, 'ValidationError');
    expectError(await raw('[1]'), 400, 'ValidationError', 'The payload must be an object');
    expectError(await raw(JSON.stringify('x'.repeat(200_000))), 413, 'PayloadTooLargeError');
    expectError(await raw('{}', { 'Content-Encoding': 'zip' }), 415, 'UnsupportedMediaTypeError');
    const charset = { 'Content-Type': 'application/json; charset=ebcdic' };
    expectError(await raw('{}', charset), 415, 'UnsupportedMediaTypeError');
    expectError(await app.call('post', '/api/auth/login').type('text').send('7'), 400, 'ValidationError');
  });

  it('of our own say nothing of their cause', async () => {
    const { token } = await app.register('alice');
    jest.spyOn(app.nest.get(ProfilesService), 'getStatistics').mockRejectedValue(new Error('the secret cause'));
    const response = await api('get', 'users/stats', token);
    expectError(response, 500, 'InternalServerError');
    expect(response.text).not.toContain('secret');
  });

  it('take the request id of a proxy if it is harmless', async () => {
    const named = await api('get', 'nothing').set('X-Request-Id', 'from-the-proxy-1');
    expect(named.body.requestId).toBe('from-the-proxy-1');
    for (const harmful of ['short', 'x'.repeat(65), 'with space and {}']) {
      const renamed = await api('get', 'nothing').set('X-Request-Id', harmful);
      expectError(renamed, 404, 'NotFoundError');
      expect(renamed.body.requestId).not.toBe(harmful);
    }
  });
});

describe('answers', () => {
  it('are kept by no browser and no proxy', async () => {
    const { token } = await app.register('alice');
    for (const answer of [await api('get', 'auth/me', token), await api('get', 'chat/rooms'), await api('get', 'no')]) {
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });
});

describe('rate limits', () => {
  const restart = async (settings: Record<string, string>): Promise<void> => {
    await app.close();
    app = await AccountsApp.start(settings);
  };

  it('are one bucket over all routes, announced in headers, which refills', async () => {
    await restart({ RATE_LIMIT_PER_SECOND: '2', RATE_LIMIT_BURST: '3' });
    const first = await api('get', 'auth/me');
    expect(first.headers).toMatchObject({
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '1',
    });
    await api('get', 'users').expect(401);
    await api('get', 'users/x').expect(401);
    const refused = await api('get', 'users/search');
    expectError(refused, 429, 'RateLimitError');
    expect(refused.headers).toMatchObject({ 'ratelimit-remaining': '0', 'retry-after': '1' });
    app.clock.advance(500);
    await api('get', 'users').expect(401);
    await api('get', 'users').expect(429);
  });

  it('count registering and logging in together, and say so where that is less', async () => {
    await restart({ AUTH_RATE_LIMIT_PER_MINUTE: '2' });
    const { headers } = await app.login('nobody').expect(401);
    expect(headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1', 'ratelimit-reset': '30' });
    await api('post', 'auth/register').send({}).expect(400);
    const refused = await app.login('nobody');
    expectError(refused, 429, 'RateLimitError');
    expect(refused.headers['retry-after']).toBe('30');
    await api('get', 'auth/me').expect(401);
  });

  it('refuse when they cannot be counted', async () => {
    jest
      .spyOn(app.nest.get<RateLimiter>(RateLimiter), 'take')
      .mockImplementation(() => Promise.reject(new Error('down')));
    expectError(await api('get', 'auth/me'), 503, 'CapacityError');
  });
});
