import { JwtService } from '@nestjs/jwt';
import { sign } from 'jsonwebtoken';
import request from 'supertest';
import { ChatApp } from '../support/chat-app';
import { type Account, TestClient } from '../support/clients';
import { RawSocket } from '../support/raw-socket';

let chat: ChatApp;
let alice: Account;

const FOREIGN = 'https://evil.example.com';
const OWN = 'https://chat.example.com';

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
  alice = await chat.register('alice');
};

afterEach(() => chat.close());

/** Connects in vain; what `connect_error` brings. */
async function refusal(auth: object, namespace = '/'): Promise<{ message: string; data?: unknown }> {
  const connected = TestClient.connect(chat.url, undefined, { auth: auth as Record<string, unknown> }, namespace);
  return connected.then(
    () => Promise.reject(new Error('Was let in')),
    ({ message, data }: Error & { data?: unknown }) => ({ message, data }),
  );
}

const AUTHENTICATION = { code: 'AuthenticationError' };

describe('a handshake', () => {
  beforeEach(() => start());

  it('with a good token is let in, with `Bearer ` before it too', async () => {
    for (const token of [alice.token, `Bearer ${alice.token}`]) {
      const client = await chat.connect({ token });
      expect(await client.next('connection:established')).toMatchObject({ userId: alice.id });
    }
  });

  it.each([
    ['none at all', {}],
    ['an empty one', { token: '' }],
    ['null', { token: null }],
    ['a number', { token: 7 }],
    ['a list', { token: ['x'] }],
    ['an object', { token: { toString: 'x' } }],
    ['one under another name', { accessToken: 'x' }],
  ])('without a token (%s) is refused', async (_what, auth) => {
    expect(await refusal(auth)).toEqual({ message: 'Authentication token required', data: AUTHENTICATION });
  });

  it('with a token that has expired is refused', async () => {
    chat.clock.advance(25 * 3_600_000);
    expect(await refusal({ token: alice.token })).toEqual({ message: 'Token has expired', data: AUTHENTICATION });
  });

  it('with a revoked token is refused', async () => {
    await chat.api(alice, 'post', 'auth/logout').expect(204);
    expect(await refusal({ token: alice.token })).toEqual({ message: 'Token has been revoked', data: AUTHENTICATION });
  });

  it('of a guest whose session is gone is refused in the words for guests', async () => {
    const guest = await chat.guest();
    await chat.api(guest, 'delete', 'users/me').expect(204);
    const message = 'Guest session not found or expired';
    expect(await refusal({ token: guest.token })).toEqual({ message, data: AUTHENTICATION });
  });

  it('of an erased account is refused as any bad token', async () => {
    await chat.api(alice, 'delete', 'users/me').expect(204);
    const message = 'Invalid or expired token';
    expect(await refusal({ token: alice.token })).toEqual({ message, data: AUTHENTICATION });
  });

  it('with a token that was tampered with, or made elsewhere, is refused', async () => {
    const jwt = chat.get(JwtService);
    const claims = jwt.decode<Record<string, unknown>>(alice.token);
    const secret = (jwt as unknown as { options: { secret: string } }).options.secret;
    const [header, payload, signature] = alice.token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'x' })).toString('base64url');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    for (const token of [
      'x',
      'x.y.z',
      `${header}.${forged}.${signature}`,
      `${header}.${payload}.`,
      `${none}.${payload}.`,
      sign(claims, 'another secret that is as long as the first one'),
      sign(claims, secret, { algorithm: 'HS512' }),
      sign({ ...claims, iss: 'elsewhere' }, secret),
      sign({ ...claims, aud: 'elsewhere' }, secret),
      sign({ ...claims, kind: 'guest', sub: 'x' }, secret).slice(0, -1),
      'x'.repeat(5000),
    ]) {
      expect(await refusal({ token })).toEqual({ message: 'Invalid or expired token', data: AUTHENTICATION });
    }
    const unlimited = { ...claims };
    delete unlimited.exp;
    expect((await refusal({ token: sign(unlimited, secret) })).data).toEqual(AUTHENTICATION);
  });

  it('for a namespace that there is not is refused, with a good token too', async () => {
    for (const namespace of ['/nowhere', '/room', '/admin', '/__proto__', '/constructor']) {
      expect(await refusal({ token: alice.token }, namespace)).toMatchObject({ message: 'Invalid namespace' });
    }
  });

  it('that was refused gets no event through', async () => {
    const bob = await chat.person('bob');
    const raw = await RawSocket.open(chat.url);
    raw.send('40{"token":"x"}');
    await raw.next((packet) => packet.startsWith('44'));
    raw.send(`42["message:send",{"roomId":"dm_${[alice.id, bob.id].sort().join('_')}","content":"needle"}]`);
    await raw.closed;
    await bob.client.settle();
    expect(bob.client.all('message:new')).toEqual([]);
  });
});

describe('a foreign origin', () => {
  beforeEach(() => start({ CORS_ORIGIN: OWN }));

  const PATH = '/socket.io/?EIO=4&transport=polling';
  const poll = () => request(chat.url).get(PATH);

  /** Ends what a poll began. */
  async function hangUp({ text }: { text: string }): Promise<void> {
    const { sid } = JSON.parse(text.slice(1)) as { sid: string };
    await request(chat.url).post(`${PATH}&sid=${sid}`).type('text').send('1').expect(200);
  }

  it('is refused for polling, and no header invites it', async () => {
    const { status, headers, text } = await poll().set('Origin', FOREIGN);
    expect(status).toBe(403);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(text).not.toContain('sid');
  });

  it.each([FOREIGN, `${OWN}.evil.com`, 'http://chat.example.com', `${OWN}:444`, 'null', 'HTTPS://CHAT.EXAMPLE.COM.'])(
    'is refused for WebSocket: %s',
    async (Origin) => {
      await expect(RawSocket.open(chat.url, { Origin })).rejects.toThrow('Unexpected server response: 4');
    },
  );

  it('is none where the list has it, or where there is no Origin', async () => {
    const polled = await poll().set('Origin', OWN).expect(200);
    expect(polled.headers).toMatchObject({
      'access-control-allow-origin': OWN,
      'access-control-allow-credentials': 'true',
    });
    await hangUp(polled);
    await hangUp(await poll().expect(200));
    for (const headers of [{ Origin: OWN }, undefined]) {
      const raw = await RawSocket.open(chat.url, headers);
      expect(await raw.next((packet) => packet.startsWith('0'))).toContain('sid');
      raw.close();
    }
  });

  it('is told so in the preflight of polling', async () => {
    const preflight = (origin: string) =>
      request(chat.url).options(PATH).set({ Origin: origin, 'Access-Control-Request-Method': 'POST' });
    expect((await preflight(OWN)).headers['access-control-allow-origin']).toBe(OWN);
    expect((await preflight(FOREIGN)).headers).not.toHaveProperty('access-control-allow-origin');
  });
});
