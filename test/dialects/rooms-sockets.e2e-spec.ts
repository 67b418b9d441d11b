import { JwtService } from '@nestjs/jwt';
import { Manager } from 'socket.io-client';
import { RealtimeServer } from '../../src/realtime/realtime-server';
import { SessionRegistry } from '../../src/realtime/session-registry';
import { ChatApp, expectRefusal, roomOf, say } from '../support/chat-app';
import type { TestClient } from '../support/clients';
import { until } from '../support/until';

const NAMESPACE = '/rooms';

let chat: ChatApp;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start(settings);
};

afterEach(() => chat.close());

const enter = (token: string | undefined): Promise<TestClient> =>
  chat.connect({ token: token as string }, undefined, NAMESPACE);

/** The refusal of a handshake: message and data. */
async function refusal(token: string | undefined): Promise<[string, unknown]> {
  const client = await enter(token).catch((error: Error & { data?: unknown }) => error);
  return client instanceof Error ? [client.message, client.data] : ['let in', undefined];
}

describe('who is refused in /rooms', () => {
  beforeEach(() => start({ MAX_SOCKETS_PER_USER: '2' }));

  const AUTH = 'Authentication error';
  const told = (reason: string, code = 'AuthenticationError'): [string, unknown] => [AUTH, { code, reason }];

  it('is told so in its words, the sentence in data.reason', async () => {
    const { id, token } = await chat.register('alice');
    const jwt = chat.get(JwtService);
    const claims = jwt.decode<Record<string, unknown>>(token);
    const { sub, kind, jti, gen } = claims;
    expect(await refusal(undefined)).toEqual(told('Authentication token required'));
    expect(await refusal('no token')).toEqual(told('Invalid or expired token'));
    const expired = jwt.sign({ sub, kind, jti, gen, exp: chat.clock.now() / 1000 - 1 });
    expect(await refusal(expired)).toEqual(told('Token has expired'));
    await chat.api({ token }, 'post', 'auth/logout').expect(204);
    expect(await refusal(token)).toEqual(told('Token has been revoked'));
    expect(id).toBe(sub);
  });

  it('has too many sockets, those of / counted', async () => {
    const account = await chat.register('alice');
    await chat.connect(account);
    await enter(account.token);
    expect(await refusal(account.token)).toEqual(told('Too many connections of this user', 'CapacityError'));
    await expect(chat.connect(account)).rejects.toThrow('Too many connections of this user');
  });

  it('is told otherwise in /', async () => {
    await expect(chat.connect({ token: 'no token' })).rejects.toMatchObject({
      message: 'Invalid or expired token',
      data: { code: 'AuthenticationError' },
    });
  });
});

describe('the end of a token', () => {
  beforeEach(() => start());

  it('by logout ends the sockets of both namespaces, on one connection or two', async () => {
    const account = await chat.register('alice');
    const manager = new Manager(chat.url, { transports: ['websocket'], reconnection: false });
    const auth = { token: account.token };
    const sockets = ['/', NAMESPACE].map((namespace) => manager.socket(namespace, { auth }));
    const ended = sockets.map((socket) => new Promise((resolve) => socket.once('disconnect', resolve)));
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', () => resolve()))));
    const apart = await enter(account.token);
    await chat.api(account, 'post', 'auth/logout').expect(204);
    expect(await Promise.all([...ended, apart.closed()])).toEqual(Array(3).fill('io server disconnect'));
    await until(() => chat.get(SessionRegistry).size === 0);
    await chat.pass(1000);
    await until(() => chat.get(RealtimeServer).connectionCount === 0);
  });

  it('by its time closes the transport, unless a newer one was put on the socket', async () => {
    const account = await chat.register('alice');
    const [short, renewed] = [await enter(account.token), await enter(account.token)];
    await chat.pass(1000);
    const { body } = await chat.api(account, 'post', 'auth/refresh').expect(200);
    expect(await renewed.emit('auth:refresh', { token: body.token })).toMatchObject({
      success: true,
      expiresAt: expect.any(String),
    });
    const other = await chat.register('bob');
    expectRefusal(await renewed.emit('auth:refresh', { token: other.token }), 'AuthorizationError');
    await chat.pass(61_000);
    expect(await short.closed()).toBe('transport close');
    await renewed.settle();
  });

  it('by an erased account ends it', async () => {
    const account = await chat.register('alice');
    const client = await enter(account.token);
    await chat.api(account, 'delete', 'users/me').expect(204);
    expect(await client.closed()).toBe('io server disconnect');
  });
});

describe('a socket in /rooms', () => {
  it('whose packets are malformed ends alone', async () => {
    await start();
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const client = await enter(bob.token);
    for (let i = 0; i < 40; i++) {
      client.socket.emit('send-message', { roomId: i });
    }
    expect(await client.closed()).toBe('io server disconnect');
    expect(client.all('error').at(-1)).toMatchObject({ code: 'RateLimitError' });
    await say(alice, roomOf(alice, bob), 'still here');
  });

  it('shares its rates with the user’s sockets in /', async () => {
    await start({ SOCKET_EVENTS_PER_MINUTE: '1', SOCKET_EVENTS_BURST: '2' });
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const [client, roomId] = [await enter(alice.token), roomOf(alice, bob)];
    await say(alice, roomId, 'one');
    expect(await client.emit('send-message', { roomId, content: 'two' })).toMatchObject({ success: true });
    expectRefusal(await client.emit('send-message', { roomId, content: 'three' }), 'RateLimitError');
    expectRefusal(await alice.client.emit('message:send', { roomId, content: 'three' }), 'RateLimitError');
  });

  it('knows no event of /, nor / one of its', async () => {
    await start();
    const alice = await chat.person('alice');
    const client = await enter(alice.token);
    for (const event of ['message:send', 'room:join', 'room:leave', 'message:status', 'typing:start']) {
      expectRefusal(await client.emit(event, {}), 'NotFoundError', 'There is no such event');
    }
    for (const event of ['send-message', 'join-rooms', 'typing-start', 'typing-stop']) {
      expectRefusal(await alice.client.emit(event, {}), 'NotFoundError', 'There is no such event');
    }
  });

  it('comes back by itself when the transport closes, and leaves nothing behind', async () => {
    await start();
    const [alice, bob] = [await chat.person('alice'), await chat.register('bob')];
    const roomId = roomOf(alice, bob);
    await say(alice, roomId, 'one');
    const client = await chat.connect(bob, { reconnection: true, reconnectionDelay: 1 }, NAMESPACE);
    client.socket.on('connect', () => client.socket.emit('join-rooms'));
    await client.emit('join-rooms');
    for (let i = 0; i < 3; i++) {
      client.socket.io.engine.close();
      await until(() => !client.socket.connected);
      await until(() => client.socket.connected);
      await client.settle();
    }
    await say(alice, roomId, 'two');
    await client.next('new-message', ({ content }) => content === 'two');
    await client.settle();
    expect(client.all('new-message')).toHaveLength(1);
    client.close();
    await until(() => chat.get(SessionRegistry).count(bob.id) === 0);
    const { adapter } = chat.get(RealtimeServer).io.of(NAMESPACE);
    expect(adapter.rooms.size).toBe(0);
    expect(await alice.client.next('user:left', ({ userId }) => userId === bob.id)).toMatchObject({ roomId });
  });
});
