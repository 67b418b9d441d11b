import type { Test as Call } from 'supertest';
import { AccountsApp, expectError, type Person } from './support/accounts-app';

let app: AccountsApp;
let alice: Person;

beforeAll(async () => {
  app = await AccountsApp.start({ TRUST_PROXY: '1' });
});

afterAll(() => app.close());

let names = 0;

beforeEach(async () => {
  alice = await app.register(`alice${names++}`);
});

const save = (body: object, { token }: Person = alice): Call =>
  app
    .call('post', '/api/users/device', token)
    .set('User-Agent', 'Firefox')
    .set('X-Forwarded-For', '203.0.113.7')
    .send(body);

const list = async ({ token }: Person = alice): Promise<Record<string, unknown>[]> => {
  const { body } = await app.call('get', '/api/users/me/devices', token).expect(200);
  return body.devices as Record<string, unknown>[];
};

describe('POST /api/users/device', () => {
  it('makes a device where none is named, and updates one that is', async () => {
    const now = new Date(app.clock.now()).toISOString();
    const { body } = await save({ location: { city: ' Berlin ', planet: 'Earth' } }).expect(200);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      data: {
        user: expect.objectContaining({
          id: alice.id,
          deviceId: expect.stringMatching(/^[0-9a-f]{24}$/),
          ip: '203.0.113.7',
          location: { city: 'Berlin' },
          lastSeen: now,
        }),
      },
    });
    const { deviceId } = body.data.user;
    expect(await list()).toEqual([
      { deviceId, ip: '203.0.113.7', userAgent: 'Firefox', location: { city: 'Berlin' }, lastSeen: now },
    ]);
    app.clock.advance(1000);
    await save({ deviceId }).set('X-Forwarded-For', '203.0.113.8').expect(200);
    const later = new Date(app.clock.now()).toISOString();
    expect(await list()).toEqual([
      { deviceId, ip: '203.0.113.8', userAgent: 'Firefox', location: { city: 'Berlin' }, lastSeen: later },
    ]);
  });

  it('takes a name of the client, also an odd one', async () => {
    for (const deviceId of ['my phone', '__proto__', 'constructor']) {
      app.clock.advance(1);
      expect((await save({ deviceId }).expect(200)).body.data.user).toMatchObject({ deviceId, location: null });
    }
    expect((await list()).map(({ deviceId }) => deviceId)).toEqual(['constructor', '__proto__', 'my phone']);
  });

  it('keeps twenty', async () => {
    for (let i = 0; i < 25; i++) {
      app.clock.advance(1);
      await save({ deviceId: `d${i}` }).expect(200);
    }
    const kept = await list();
    expect(kept).toHaveLength(20);
    expect([kept[0]?.deviceId, kept[19]?.deviceId]).toEqual(['d24', 'd5']);
  });

  it('tells an IPv4 address as such, however it came', async () => {
    await save({}).set('X-Forwarded-For', '::ffff:203.0.113.9').expect(200);
    expect((await list())[0]?.ip).toBe('203.0.113.9');
  });

  it('cuts what a client calls itself', async () => {
    await save({})
      .set('User-Agent', `x${'y'.repeat(5000)}`)
      .expect(200);
    expect((await list())[0]?.userAgent).toHaveLength(512);
  });

  it.each([
    ['an id that is none', { deviceId: 7 }],
    ['an empty id', { deviceId: '' }],
    ['a long id', { deviceId: 'x'.repeat(65) }],
    ['a location that is text', { location: 'Berlin' }],
    ['a location that is a list', { location: [] }],
    ['a place that is none', { location: { city: {} } }],
    ['a long place', { location: { country: 'x'.repeat(101) } }],
  ])('refuses %s', async (_what, body) => {
    expectError(await save(body), 400, 'ValidationError');
    expect(await list()).toEqual([]);
  });

  it('is for guests too, and each sees their own', async () => {
    const guest = await app.createGuest();
    await save({ deviceId: 'g' }, guest).expect(200);
    await save({ deviceId: 'a' }).expect(200);
    expect((await list(guest)).map(({ deviceId }) => deviceId)).toEqual(['g']);
    const { body } = await app.call('get', `/api/users/${alice.id}`, guest.token).expect(200);
    expect(JSON.stringify(body)).not.toMatch(/deviceId|203\.0/);
  });
});
