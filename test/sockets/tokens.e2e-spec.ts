import { ChatApp, expectRefusal, roomEvents, roomOf, say } from '../support/chat-app';
import type { Account, TestClient } from '../support/clients';
import { RawSocket } from '../support/raw-socket';

let chat: ChatApp;
let alice: Account;
let client: TestClient;

const HOUR_S = 3600;
const MINUTE_MS = 60_000;

beforeEach(async () => {
  chat = await ChatApp.start({ JWT_EXPIRES_IN: `${HOUR_S}` });
  alice = await chat.register('alice');
  client = await chat.connect(alice);
});

afterEach(() => chat.close());

const login = async (password = alice.password): Promise<string> => {
  const { body } = await chat.api(alice, 'post', 'auth/login').send({ email: alice.email, password }).expect(200);
  return body.token as string;
};

const refreshed = async (): Promise<string> =>
  (await chat.api(alice, 'post', 'auth/refresh').expect(200)).body.token as string;

const refusal = (token: string): Promise<string> =>
  chat.connect({ token }).then(
    () => 'was let in',
    ({ message }: Error) => message,
  );

describe('the end of a token', () => {
  it('closes the transport of its sockets, to the second, and the handshake says why', async () => {
    const polling = await chat.connect(alice, { transports: ['polling'] });
    await chat.pass(HOUR_S * 1000 - 1);
    await client.settle();
    await polling.settle();
    await chat.pass(1);
    expect(await client.closed()).toBe('transport close');
    expect(await polling.closed()).toBe('transport close');
    expect(await refusal(alice.token)).toBe('Token has expired');
  });

  it('is that of each socket’s own token', async () => {
    chat.clock.advance(MINUTE_MS);
    const later = await chat.connect({ token: await login() });
    await chat.pass(HOUR_S * 1000 - MINUTE_MS);
    await client.closed();
    await later.settle();
    expect(later.socket.connected).toBe(true);
  });
});

describe('logout', () => {
  it('disconnects the sockets of that token and no others, and nothing more reaches them', async () => {
    const [tab, other] = [await chat.connect(alice), await chat.connect({ token: await login() })];
    const bob = await chat.person('bob');
    await chat.api(alice, 'post', 'auth/logout').expect(204);
    expect(await client.closed()).toBe('io server disconnect');
    expect(await tab.closed()).toBe('io server disconnect');
    await say(bob, roomOf(alice, bob), 'hello');
    await other.next('message:new');
    expect(roomEvents(client)).toEqual([]);
    expect(await refusal(alice.token)).toBe('Token has been revoked');
  });

  it('closes the connection a second later, if nothing else is on it', async () => {
    const raw = await RawSocket.connect(chat.url, alice.token);
    const idle = await RawSocket.open(chat.url);
    await chat.api(alice, 'post', 'auth/logout').expect(204);
    await raw.next((packet) => packet === '41');
    raw.send('42["message:send",{}]');
    await chat.pass(1000);
    await raw.closed;
    idle.close();
  });
});

describe('a new password', () => {
  it('disconnects the sockets of every other token', async () => {
    const other = await chat.connect({ token: await login() });
    const body = { currentPassword: alice.password, newPassword: 'another password' };
    await chat.api(alice, 'post', 'auth/password').send(body).expect(204);
    expect(await other.closed()).toBe('io server disconnect');
    await client.settle();
    expect(client.socket.connected).toBe(true);
  });
});

describe('the erasure of an account', () => {
  it('disconnects all of its sockets, and their token is good for nothing', async () => {
    const other = await chat.connect({ token: await login() });
    await chat.api(alice, 'delete', 'users/me').expect(204);
    expect(await client.closed()).toBe('io server disconnect');
    expect(await other.closed()).toBe('io server disconnect');
    expect(await refusal(alice.token)).toBe('Invalid or expired token');
  });
});

describe('a refresh', () => {
  it('ends the old token’s sockets a minute later, as at expiry', async () => {
    await refreshed();
    await chat.pass(MINUTE_MS - 1);
    await client.settle();
    await chat.pass(1);
    expect(await client.closed()).toBe('transport close');
    expect(await refusal(alice.token)).toBe('Token has expired');
  });

  it('ends them no later when the old token is refreshed again', async () => {
    await refreshed();
    await chat.pass(MINUTE_MS / 2);
    await refreshed();
    await chat.pass(MINUTE_MS / 2);
    expect(await client.closed()).toBe('transport close');
  });
});

describe('auth:refresh', () => {
  it('keeps a live socket beyond the end of its first token', async () => {
    const token = await refreshed();
    expect(await client.emit('auth:refresh', { token })).toEqual({ success: true, expiresAt: chat.iso(HOUR_S * 1000) });
    await chat.pass(10 * MINUTE_MS);
    await client.settle();
    await chat.pass(HOUR_S * 1000 - 10 * MINUTE_MS);
    expect(await client.closed()).toBe('transport close');
  });

  it('binds the socket to the new token: the end of the old one is not its own, that of the new one is', async () => {
    const token = await login();
    await client.emit('auth:refresh', { token });
    await chat.api(alice, 'post', 'auth/logout').expect(204);
    await client.settle();
    expect(client.socket.connected).toBe(true);
    await chat.api({ token }, 'post', 'auth/logout').expect(204);
    expect(await client.closed()).toBe('io server disconnect');
  });

  it('is for tokens of the same user', async () => {
    const bob = await chat.register('bob');
    expectRefusal(await client.emit('auth:refresh', { token: bob.token }), 'AuthorizationError');
    await chat.api(bob, 'post', 'auth/logout').expect(204);
    await client.settle();
    expect(client.socket.connected).toBe(true);
  });

  it('refuses tokens that are no good, in the words of the handshake', async () => {
    const revoked = await login();
    await chat.api({ token: revoked }, 'post', 'auth/logout').expect(204);
    const refused = async (token: string): Promise<unknown> => {
      const ack = await client.emit('auth:refresh', { token });
      expectRefusal(ack, 'AuthenticationError');
      return ack.error;
    };
    expect(await refused(revoked)).toBe('Token has been revoked');
    expect(await refused('x.y.z')).toBe('Invalid or expired token');
    const short = await login();
    await chat.api({ token: short }, 'post', 'auth/refresh').expect(200);
    await chat.pass(MINUTE_MS);
    expect(await refused(short)).toBe('Token has expired');
  });

  it.each([undefined, {}, { token: '' }, { token: 7 }, { token: null }, { token: 'x'.repeat(4097) }])(
    'refuses %p',
    async (payload) => {
      expectRefusal(await client.emit('auth:refresh', payload), 'ValidationError');
    },
  );
});
