import { ChatApp, expectRefusal, roomEvents, roomOf, say, type Trio } from '../support/chat-app';
import type { TestClient } from '../support/clients';

let chat: ChatApp;
let trio: Trio;
let bob2: TestClient;
let ids: string[];

const RAISED = 'message:statusUpdated';

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
  const { alice, bob, roomId } = trio;
  bob2 = await chat.connect(bob);
  ids = [];
  for (const content of ['a', 'b', 'c']) {
    ids.push((await say(alice, roomId, content)).messageId);
  }
});

afterEach(() => chat.close());

const raise = (client: TestClient, range: object, status: string) =>
  client.emit('message:status', { roomId: trio.roomId, status, ...range });

async function raised(client: TestClient): Promise<unknown[]> {
  await client.settle();
  return client.all(RAISED);
}

describe('message:status', () => {
  it('of one message is told to all sockets of its sender and to the raiser’s others', async () => {
    const { alice, bob, carol, roomId } = trio;
    const alice2 = await chat.connect(alice);
    const [messageId] = ids;
    expect(await raise(bob.client, { messageId }, 'delivered')).toEqual({ success: true });
    const told = { roomId, messageId, status: 'delivered', userId: bob.id, at: chat.iso() };
    expect(await raised(alice.client)).toEqual([told]);
    expect(await raised(alice2)).toEqual([told]);
    expect(await raised(bob2)).toEqual([told]);
    expect(await raised(bob.client)).toEqual([]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('may come before any join, and raises the message for every reader', async () => {
    const { alice, bob, roomId } = trio;
    await raise(bob.client, { messageId: ids[1] }, 'seen');
    const { body } = await chat.api(alice, 'get', `chat/rooms/${roomId}/messages`);
    const statuses = body.messages.map(({ status }: { status: string }) => status);
    expect(statuses).toEqual(['sent', 'seen', 'sent']);
    expect((await alice.client.emit('room:join', { roomId })).messages).toEqual(body.messages);
  });

  it('up to a seq is told message by message', async () => {
    const { alice, bob } = trio;
    await raise(bob.client, { upToSeq: 2 }, 'seen');
    const told = ids.slice(0, 2).map((messageId) => expect.objectContaining({ messageId, status: 'seen' }));
    expect(await raised(alice.client)).toEqual(told);
    expect(await raised(bob2)).toEqual(told);
    expect(await raised(bob.client)).toEqual([]);
  });

  it('of more than 50 at once is told as one', async () => {
    const { alice, bob, roomId } = trio;
    await Promise.all(Array.from({ length: 48 }, () => say(alice, roomId, 'x')));
    await say(bob, roomId, 'own');
    await raise(bob.client, { upToSeq: 52 }, 'seen');
    const told = { roomId, upToSeq: 51, status: 'seen', userId: bob.id, at: chat.iso() };
    expect(await raised(alice.client)).toEqual([told]);
    expect(await raised(bob2)).toEqual([{ ...told, upToSeq: expect.any(Number) }]);
    expect(await raised(bob.client)).toEqual([]);
  });

  it('of exactly 50 is told message by message', async () => {
    const { alice, bob, roomId } = trio;
    await Promise.all(Array.from({ length: 47 }, () => say(alice, roomId, 'x')));
    await raise(bob.client, { upToSeq: Number.MAX_SAFE_INTEGER }, 'delivered');
    expect(await raised(alice.client)).toHaveLength(50);
  });

  it('never lowers, and a repeat or a lower one is a success that nobody is told of', async () => {
    const { alice, bob, roomId } = trio;
    await raise(bob.client, { messageId: ids[0] }, 'seen');
    expect(await raised(alice.client)).toHaveLength(1);
    for (const status of ['seen', 'delivered', 'sent']) {
      expect(await raise(bob.client, { messageId: ids[0] }, status)).toEqual({ success: true });
      expect(await raise(bob.client, { upToSeq: 1 }, status)).toEqual({ success: true });
    }
    expect(await raised(alice.client)).toHaveLength(1);
    expect(await raised(bob2)).toHaveLength(1);
    const { body } = await chat.api(bob, 'get', `chat/rooms/${roomId}/messages?limit=1&before=2`);
    expect(body.messages).toMatchObject([{ status: 'seen' }]);
  });

  it('of a delivered message raises it to seen and tells that once more', async () => {
    const { alice, bob } = trio;
    await raise(bob.client, { upToSeq: 3 }, 'delivered');
    await raise(bob.client, { messageId: ids[2] }, 'seen');
    expect((await raised(alice.client)).at(-1)).toMatchObject({ messageId: ids[2], status: 'seen' });
  });

  it('of one’s own messages is a success without effect', async () => {
    const { alice, bob } = trio;
    expect(await raise(alice.client, { messageId: ids[0] }, 'seen')).toEqual({ success: true });
    expect(await raise(alice.client, { upToSeq: 3 }, 'seen')).toEqual({ success: true });
    expect(await raised(alice.client)).toEqual([]);
    expect(await raised(bob.client)).toEqual([]);
  });

  it('of a message that is gone or never was is a success without effect', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'gone', { ttl: 1 });
    await chat.pass(1000);
    for (const gone of [messageId, 'msg_0_x', 'msg_', 'msg_1e9_', '__proto__', ids[0]?.replace('msg_', 'msg_-')]) {
      expect(await raise(bob.client, { messageId: gone }, 'seen')).toEqual({ success: true });
    }
    await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await raise(bob.client, { messageId: ids[0] }, 'seen')).toEqual({ success: true });
    expect(await raise(bob.client, { upToSeq: 9 }, 'seen')).toEqual({ success: true });
    expect(await raised(alice.client)).toEqual([]);
  });

  it('of what is due but not swept raises nothing', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'gone', { ttl: 1 });
    chat.stopSweeping();
    chat.clock.advance(1000);
    await raise(bob.client, { messageId }, 'seen');
    await raise(bob.client, { upToSeq: 4 }, 'seen');
    expect((await raised(alice.client)).map((told) => (told as { messageId: string }).messageId)).toEqual(ids);
  });

  it.each([
    ['nothing', undefined],
    ['neither a message nor a seq', { status: 'seen' }],
    ['both', { status: 'seen', messageId: 'msg_1_x', upToSeq: 1 }],
    ['no status', { upToSeq: 1 }],
    ['an unknown status', { upToSeq: 1, status: 'read' }],
    ['a number for a status', { upToSeq: 1, status: 2 }],
    ['a seq that is a string', { upToSeq: '1', status: 'seen' }],
    ['a broken seq', { upToSeq: 1.5, status: 'seen' }],
    ['a negative seq', { upToSeq: -1, status: 'seen' }],
    ['a list of messages', { messageId: ['x'], status: 'seen' }],
  ])('with %s is refused', async (_what, payload) => {
    const { alice, bob, roomId } = trio;
    expectRefusal(await bob.client.emit('message:status', payload && { roomId, ...payload }), 'ValidationError');
    expect(await raised(alice.client)).toEqual([]);
  });

  it('is not for people outside the room, or guests', async () => {
    const { alice, bob, carol } = trio;
    expectRefusal(await raise(carol.client, { messageId: ids[0] }, 'seen'), 'NotFoundError');
    const guest = await chat.guest();
    const ofGuest = { roomId: roomOf(guest, bob), upToSeq: 1, status: 'seen' };
    expectRefusal(await (await chat.connect(guest)).emit('message:status', ofGuest), 'AuthorizationError');
    expect(await raised(alice.client)).toEqual([]);
  });

  it('is never raised by the server itself', async () => {
    const { alice, bob, roomId } = trio;
    await bob.client.emit('room:join', { roomId });
    await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    await chat.api(bob, 'post', 'chat/rooms').send({ otherUserId: alice.id }).expect(200);
    await say(bob, roomId, 'an answer');
    expect(await raised(alice.client)).toEqual([]);
  });
});

describe('POST /api/chat/rooms/:roomId/read', () => {
  const read = (person: { token: string }, body: object) =>
    chat.api(person, 'post', `chat/rooms/${trio.roomId}/read`).send(body);

  it('raises all up to a seq, to seen unless it says otherwise, and tells all other sockets', async () => {
    const { alice, bob, carol } = trio;
    await read(bob, { upToSeq: 1 }).expect(204, '');
    await read(bob, { upToSeq: 2, status: 'delivered' }).expect(204);
    const told = [
      { messageId: ids[0], status: 'seen' },
      { messageId: ids[1], status: 'delivered' },
    ];
    for (const client of [alice.client, bob.client, bob2]) {
      expect(await raised(client)).toMatchObject(told);
    }
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('takes messages out of unreadCount', async () => {
    const { alice, bob, roomId } = trio;
    const unread = async (): Promise<number> => (await chat.api(bob, 'get', 'chat/rooms')).body.rooms[0].unreadCount;
    expect(await unread()).toBe(3);
    await read(bob, { upToSeq: 3, status: 'delivered' }).expect(204);
    expect(await unread()).toBe(3);
    await read(bob, { upToSeq: 2 }).expect(204);
    expect(await unread()).toBe(1);
    await say(bob, roomId, 'own');
    expect(await unread()).toBe(1);
    expect((await chat.api(alice, 'get', 'chat/rooms')).body.rooms[0].unreadCount).toBe(1);
  });
});

describe('GET messages/:messageId/receipts', () => {
  const path = (messageId = ids[0] ?? '') => `chat/rooms/${trio.roomId}/messages/${messageId}/receipts`;

  it('tells the sender, and nobody else, since when the other has it', async () => {
    const { alice, bob, carol } = trio;
    const nothing = { userId: bob.id, deliveredAt: null, seenAt: null };
    expect((await chat.api(alice, 'get', path()).expect(200)).body).toEqual({ receipts: [nothing] });
    await raise(bob.client, { messageId: ids[0] }, 'delivered');
    const deliveredAt = chat.iso();
    await chat.pass(5000);
    await raise(bob.client, { upToSeq: 2 }, 'seen');
    const seenAt = chat.iso();
    expect(seenAt).not.toBe(deliveredAt);
    expect((await chat.api(alice, 'get', path()).expect(200)).body).toEqual({
      receipts: [{ userId: bob.id, deliveredAt, seenAt }],
    });
    expect((await chat.api(alice, 'get', path(ids[1])).expect(200)).body).toEqual({
      receipts: [{ userId: bob.id, deliveredAt: seenAt, seenAt }],
    });
    expect((await chat.api(alice, 'get', path(ids[2])).expect(200)).body).toEqual({ receipts: [nothing] });
    await chat.api(bob, 'get', path()).expect(403);
    await chat.api(carol, 'get', path()).expect(404);
    await chat.api(alice, 'get', path('msg_1_none')).expect(404);
  });
});
