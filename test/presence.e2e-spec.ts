import { ChatApp, roomOf, say } from './support/chat-app';
import type { TestClient } from './support/clients';

let chat: ChatApp;

const GRACE_MS = 2000;

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start({ PRESENCE_GRACE_MS: `${GRACE_MS}`, ...settings });
};

afterEach(() => chat.close());

/** What a client was told of a user's presence until now. */
async function told(client: TestClient, userId: string): Promise<string[]> {
  await client.settle();
  const events = client.received.filter(({ event }) => event === 'user:online' || event === 'user:offline');
  return events.filter(({ payload }) => payload.userId === userId).map(({ event }) => event);
}

describe('connection:established', () => {
  beforeEach(() => start());

  it('tells each socket who it is, itself alone', async () => {
    const alice = await chat.person('alice');
    const second = await chat.connect(alice);
    const { id: userId, username } = alice;
    for (const client of [alice.client, second]) {
      const socketId = client.socket.id;
      expect(await client.next('connection:established')).toEqual({ userId, username, socketId, isGuest: false });
      await client.settle();
      expect(client.all('connection:established')).toHaveLength(1);
    }
  });

  it('tells a guest so', async () => {
    const guest = await chat.guest();
    const client = await chat.connect(guest);
    expect(await client.next('connection:established')).toMatchObject({ userId: guest.id, isGuest: true });
  });
});

describe('a user', () => {
  beforeEach(() => start());

  it('is online with the first socket, and a second tab changes nothing', async () => {
    const bob = await chat.person('bob');
    const alice = await chat.person('alice');
    const { id: userId, username } = alice;
    expect(await bob.client.next('user:online', (user) => user.userId === userId)).toEqual({
      userId,
      username,
      isOnline: true,
    });
    const second = await chat.connect(alice);
    await chat.leave(second);
    await chat.pass(10 * GRACE_MS);
    expect(await told(bob.client, userId)).toEqual(['user:online']);
  });

  it('is offline PRESENCE_GRACE_MS after the last socket left, and was last seen when it did', async () => {
    const [bob, alice] = [await chat.person('bob'), await chat.person('alice')];
    const second = await chat.connect(alice);
    await chat.leave(alice.client);
    chat.clock.advance(60_000);
    await chat.leave(second);
    const lastSeen = chat.iso();
    await chat.pass(GRACE_MS - 1);
    expect(await told(bob.client, alice.id)).toEqual(['user:online']);
    await chat.pass(1);
    const { id: userId, username } = alice;
    expect(await bob.client.next('user:offline')).toEqual({ userId, username, isOnline: false, lastSeen });
    const { body } = await chat.api(bob, 'get', `users/${userId}`);
    expect(body).toMatchObject({ isOnline: false, lastSeen });
  });

  it('who reloads within the grace flickers for nobody', async () => {
    const [bob, alice] = [await chat.person('bob'), await chat.person('alice')];
    for (let reload = 0; reload < 3; reload++) {
      await chat.leave(alice.client);
      await chat.pass(GRACE_MS - 1);
      alice.client.socket.connect();
      await alice.client.until(() => alice.client.socket.connected || undefined, 'a reconnect');
      await alice.client.settle();
    }
    await chat.pass(10 * GRACE_MS);
    expect(await told(bob.client, alice.id)).toEqual(['user:online']);
  });

  it('who comes back after the grace is told anew', async () => {
    const [bob, alice] = [await chat.person('bob'), await chat.person('alice')];
    await chat.leave(alice.client);
    await chat.pass(GRACE_MS);
    await bob.client.next('user:offline');
    await chat.connect(alice);
    expect(await told(bob.client, alice.id)).toEqual(['user:online', 'user:offline', 'user:online']);
  });

  it('counts as online for REST until the grace is over', async () => {
    const [bob, alice] = [await chat.person('bob'), await chat.person('alice')];
    await say(alice, roomOf(alice, bob), 'hello');
    await chat.connect(alice);
    const online = async () => ({
      users: (await chat.api(bob, 'get', 'users/online')).body.data.count,
      chat: (await chat.api(bob, 'get', 'chat/online-users')).body.onlineUserIds.includes(alice.id),
      list: (await chat.api(bob, 'get', 'chat/rooms')).body.rooms[0].otherUserOnline,
      sockets: (await chat.api(bob, 'get', 'users/stats')).body.data.stats.connectedUsers,
    });
    expect(await online()).toEqual({ users: 2, chat: true, list: true, sockets: 3 });
    await chat.api(alice, 'post', 'auth/logout').expect(204);
    await bob.client.settle();
    expect(await online()).toEqual({ users: 2, chat: true, list: true, sockets: 1 });
    await chat.pass(GRACE_MS);
    await bob.client.next('user:offline');
    expect(await online()).toEqual({ users: 1, chat: false, list: false, sockets: 1 });
  });

  it('whose account is erased goes offline as well', async () => {
    const [bob, alice] = [await chat.person('bob'), await chat.person('alice')];
    await chat.api(alice, 'delete', 'users/me').expect(204);
    expect(await alice.client.closed()).toBe('io server disconnect');
    await chat.pass(GRACE_MS);
    expect(await bob.client.next('user:offline')).toMatchObject({ userId: alice.id, isOnline: false });
    expect((await chat.api(bob, 'get', 'chat/online-users')).body.onlineUserIds).toEqual([bob.id]);
    expect(await told(bob.client, alice.id)).toEqual(['user:online', 'user:offline']);
  });
});

describe('with PRESENCE_SCOPE=contacts', () => {
  beforeEach(() => start({ PRESENCE_SCOPE: 'contacts' }));

  it('only those who share a room are told, and oneself', async () => {
    const [bob, carol, alice] = [await chat.person('bob'), await chat.person('carol'), await chat.register('alice')];
    await say(bob, roomOf(alice, bob), 'hello');
    const client = await chat.connect(alice);
    expect(await told(bob.client, alice.id)).toEqual(['user:online']);
    expect(await told(client, alice.id)).toEqual(['user:online']);
    await chat.leave(client);
    await chat.pass(GRACE_MS);
    expect(await bob.client.next('user:offline')).toMatchObject({ userId: alice.id, isOnline: false });
    expect(await told(carol.client, alice.id)).toEqual([]);
  });
});

describe('with PRESENCE_SCOPE=everyone', () => {
  beforeEach(() => start({ PRESENCE_SCOPE: 'everyone' }));

  it('strangers are told too', async () => {
    const [carol, alice] = [await chat.person('carol'), await chat.person('alice')];
    await carol.client.next('user:online', ({ userId }) => userId === alice.id);
  });
});
