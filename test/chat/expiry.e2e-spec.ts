import { ChatApp, roomEvents, roomOf, say, type Trio } from '../support/chat-app';
import { call, register, TestClient } from '../support/clients';
import { createApp, type TestApp } from '../support/create-app';

let chat: ChatApp;
let trio: Trio;

const DAY_MS = 86_400_000;

beforeEach(async () => {
  chat = await ChatApp.start({ JWT_EXPIRES_IN: '365d' });
  trio = await chat.trio();
});

afterEach(() => chat.close());

/** What every way of reading the room gives, as text. */
async function everythingRead(): Promise<string> {
  const { alice, bob, roomId } = trio;
  const { epoch } = await alice.client.emit('room:join', { roomId });
  const reads = [
    await bob.client.emit('room:join', { roomId }),
    await bob.client.emit('room:join', { roomId, since: 0, epoch, sinceTime: new Date(0).toISOString() }),
    await bob.client.emit('room:join', { roomId, since: 0, epoch: 'another' }),
    (await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`)).body,
    (await chat.api(bob, 'get', `chat/rooms/${roomId}/messages?before=100`)).body,
    (await chat.api(bob, 'get', 'chat/rooms')).body,
    (await chat.api(bob, 'post', 'chat/rooms').send({ otherUserId: alice.id })).body,
  ];
  return JSON.stringify(reads);
}

describe('a message', () => {
  it('is told gone at its deadline and not a millisecond before', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'hello', { ttl: 60 });
    await chat.pass(59_999);
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual(['room:created', 'message:new']);
    await chat.pass(1);
    for (const { client } of [alice, bob]) {
      expect(await client.next('message:expired')).toEqual({ roomId, messageIds: [messageId], reason: 'expired' });
    }
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is served by every path until its deadline, and by none from then on, swept or not', async () => {
    const { alice, roomId } = trio;
    await say(alice, roomId, 'needle', { ttl: 60 });
    await say(alice, roomId, 'stays');
    chat.stopSweeping();
    chat.clock.advance(59_999);
    expect((await everythingRead()).split('needle')).toHaveLength(7);
    chat.clock.advance(1);
    const reads = await everythingRead();
    expect(reads).not.toContain('needle');
    expect(reads).toContain('stays');
    jest.restoreAllMocks();
    await chat.pass(0);
    await alice.client.next('message:expired');
    expect(await everythingRead()).not.toContain('needle');
  });

  it('that is due makes room for the one before as the last message, and is counted no more', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'older');
    await say(alice, roomId, 'newer', { ttl: 60 });
    const listed = async () => (await chat.api(bob, 'get', 'chat/rooms')).body.rooms[0];
    expect(await listed()).toMatchObject({ messageCount: 2, unreadCount: 2, lastMessage: { content: 'newer' } });
    chat.stopSweeping();
    chat.clock.advance(60_000);
    expect(await listed()).toMatchObject({ messageCount: 1, unreadCount: 1, lastMessage: { content: 'older' } });
    chat.clock.advance(3_600_000);
    expect(await listed()).toMatchObject({ messageCount: 0, unreadCount: 0, lastMessage: null });
  });

  it('is told gone with all others of its room and tick in one event', async () => {
    const { alice, bob, roomId } = trio;
    const ids: string[] = [];
    for (const ttl of [60, 30, 60, 3600]) {
      ids.push((await say(alice, roomId, 'x', { ttl })).messageId);
    }
    await chat.pass(60_000);
    const { messageIds } = await bob.client.next('message:expired');
    expect(new Set(messageIds as string[])).toEqual(new Set(ids.slice(0, 3)));
    await bob.client.settle();
    expect(bob.client.all('message:expired')).toHaveLength(1);
  });

  it('of a later deadline than one that is sent after it goes later', async () => {
    const { alice, bob, roomId } = trio;
    const [long, short] = [
      await say(alice, roomId, 'long', { ttl: 60 }),
      await say(alice, roomId, 'short', { ttl: 1 }),
    ];
    await chat.pass(1000);
    expect(await bob.client.next('message:expired')).toMatchObject({ messageIds: [short.messageId] });
    await chat.pass(59_000);
    await bob.client.next('message:expired', ({ messageIds }) => (messageIds as string[])[0] === long.messageId);
  });

  it('of which there are more at one deadline than one sweep takes goes with them all', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'x', { ttl: 60 });
    for (let batch = 0; batch < 6; batch++) {
      await Promise.all(Array.from({ length: 200 }, () => say(alice, roomId, 'x', { ttl: 60 })));
    }
    await chat.pass(60_000);
    const gone = new Set<unknown>();
    await bob.client.until(() => {
      bob.client
        .all('message:expired')
        .forEach(({ messageIds }) => (messageIds as string[]).forEach((id) => gone.add(id)));
      return gone.size === 1201 || undefined;
    }, 'the end of 1201 messages');
    expect((await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`)).body).toEqual({
      messages: [],
      hasMore: false,
    });
  });
});

describe('a lifetime of 30 days', () => {
  it('is kept to the millisecond, in one jump of the clock', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'hello', { ttl: 2_592_000 });
    await chat.pass(30 * DAY_MS - 1);
    expect((await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`)).body.messages).toMatchObject([
      { content: 'hello' },
    ]);
    await bob.client.settle();
    expect(bob.client.all('message:expired')).toEqual([]);
    await chat.pass(1);
    await bob.client.next('message:expired');
  });

  it('is overtaken by a clock that jumps further, like everything else that is due', async () => {
    const { alice, bob, roomId } = trio;
    for (const ttl of [1, 3600, 2_592_000]) {
      await say(alice, roomId, 'x', { ttl });
    }
    await chat.pass(31 * DAY_MS);
    expect((await bob.client.next('message:expired')).messageIds).toHaveLength(3);
  });

  it('does not keep shorter ones waiting', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'long', { ttl: 2_592_000 });
    const { messageId } = await say(alice, roomId, 'short', { ttl: 1 });
    await chat.pass(1000);
    expect(await bob.client.next('message:expired')).toMatchObject({ messageIds: [messageId] });
  });
});

describe('the clock of the machine', () => {
  let app: TestApp;

  beforeEach(async () => {
    app = await createApp();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await app.close();
  });

  it.each([
    ['forward', 31 * DAY_MS],
    ['back', -31 * DAY_MS],
  ])('may be set %s: nothing fires early and nothing stalls', async (_direction, shift) => {
    const [ada, ben] = [await register(app.url, 'ada'), await register(app.url, 'ben')];
    const client = await TestClient.connect(app.url, ada.token);
    const roomId = roomOf(ada, ben);
    await say({ client }, roomId, 'long', { ttl: 2_592_000 });
    const { messageId } = await say({ client }, roomId, 'short', { ttl: 1 });
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + shift);
    expect(await client.next('message:expired')).toMatchObject({ messageIds: [messageId] });
    // By REST: the client library itself does not survive such a jump.
    const { body } = await call(app.url, ada.token, 'get', `/api/chat/rooms/${roomId}/messages`);
    expect(body.messages).toMatchObject([{ content: 'long' }]);
    expect(client.all('message:expired')).toHaveLength(1);
  });
});
