import { ChatApp, expectRefusal, roomEvents, roomOf, say, type Trio } from '../support/chat-app';
import type { AckBody, TestClient } from '../support/clients';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

/** Joins and notes the ack among the events that the client received, in the order of the wire. */
function joinNoted(client: TestClient, payload: object): Promise<AckBody> {
  return new Promise((resolve) => {
    client.socket.emit('room:join', payload, (ack: AckBody) => {
      client.received.push({ event: 'ack', payload: ack });
      resolve(ack);
    });
  });
}

describe('room:join', () => {
  it('opens the room and tells all of it', async () => {
    const { alice, bob, carol, roomId } = trio;
    const ack = await alice.client.emit('room:join', { roomId });
    const settings = {
      maxMembers: 2,
      messageTtl: 3600,
      allowFileSharing: true,
      moderationEnabled: false,
      slowModeSeconds: 0,
      encrypted: false,
    };
    expect(ack).toEqual({
      success: true,
      room: {
        id: roomId,
        type: 'direct',
        name: null,
        description: null,
        creatorId: null,
        memberCount: 2,
        settings,
        lastActivity: chat.iso(),
        createdAt: chat.iso(),
        members: expect.arrayContaining([
          { userId: alice.id, username: alice.username, role: 'member', joinedAt: chat.iso() },
          { userId: bob.id, username: bob.username, role: 'member', joinedAt: chat.iso() },
        ]),
      },
      messages: [],
      live: [],
      changed: [],
      activeUsers: [alice.id],
      otherUserId: bob.id,
      publicKeys: {},
      lastSeq: 0,
      epoch: expect.any(String),
      gap: false,
      serverTime: chat.iso(),
    });
    await bob.client.next('room:created');
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('brings what is there, ascending', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'a');
    await say(bob, roomId, 'b');
    const ack = await bob.client.emit('room:join', { roomId });
    expect(ack).toMatchObject({
      messages: [
        { seq: 1, content: 'a' },
        { seq: 2, content: 'b' },
      ],
      lastSeq: 2,
      live: [],
    });
    expect(ack).not.toHaveProperty('more');
  });

  it('brings the newest 500, and says that there are more', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, '1');
    await Promise.all(Array.from({ length: 500 }, (_, i) => say(alice, roomId, `${i + 2}`)));
    const ack = await bob.client.emit('room:join', { roomId });
    expect(ack).toMatchObject({ more: true, lastSeq: 501, gap: false });
    const seqs = (ack.messages as { seq: number }[]).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 500 }, (_, i) => i + 2));
    expect((await chat.api(bob, 'get', `chat/rooms/${roomId}/messages?before=2`)).body).toMatchObject({
      messages: [{ seq: 1 }],
      hasMore: false,
    });
  });

  it('is told to the other user once a user, not once a tab', async () => {
    const { alice, bob, carol, roomId } = trio;
    const alice2 = await chat.connect(alice);
    await alice.client.emit('room:join', { roomId });
    const [first, second] = [alice.id, bob.id];
    expect(await bob.client.next('user:joined')).toEqual({ roomId, userId: first, activeUsers: [first] });
    expect(await alice2.emit('room:join', { roomId })).toMatchObject({ activeUsers: [first] });
    await alice.client.emit('room:join', { roomId });
    await bob.client.emit('room:join', { roomId });
    expect((await alice.client.next('user:joined', ({ userId }) => userId === second)).activeUsers).toEqual([
      first,
      second,
    ]);
    await alice.client.emit('room:leave', { roomId });
    await bob.client.settle();
    expect(bob.client.all('user:joined').filter(({ userId }) => userId === first)).toHaveLength(1);
    expect(bob.client.all('user:left')).toEqual([]);
    alice2.close();
    expect(await bob.client.next('user:left')).toEqual({ roomId, userId: first, activeUsers: [second] });
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['no room', {}],
    ['a room that is no string', { roomId: { $gt: '' } }],
    ['since without epoch', { roomId: 'own', since: 0 }],
    ['epoch without since', { roomId: 'own', epoch: 'x' }],
    ['a since that is a string', { roomId: 'own', since: '0', epoch: 'x' }],
    ['a negative since', { roomId: 'own', since: -1, epoch: 'x' }],
    ['a broken since', { roomId: 'own', since: 0.5, epoch: 'x' }],
    ['an epoch that is no string', { roomId: 'own', since: 0, epoch: 7 }],
    ['a sinceTime that is no time', { roomId: 'own', since: 0, epoch: 'x', sinceTime: 'yesterday' }],
    ['a key of more than 8 KiB', { roomId: 'own', publicKey: 'k'.repeat(8193) }],
    ['a key that is no string', { roomId: 'own', publicKey: { k: 1 } }],
  ])('of %s is refused and joins nothing', async (_what, payload) => {
    const { alice, bob, roomId } = trio;
    const sent = payload && 'roomId' in payload && payload.roomId === 'own' ? { ...payload, roomId } : payload;
    expectRefusal(await alice.client.emit('room:join', sent), 'ValidationError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
  });

  it('is not for people outside the room, or guests', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'needle');
    expectRefusal(
      await carol.client.emit('room:join', { roomId, publicKey: 'mitm' }),
      'NotFoundError',
      'There is no such room',
    );
    const guest = await chat.guest();
    const guestClient = await chat.connect(guest);
    expectRefusal(await guestClient.emit('room:join', { roomId: roomOf(guest, bob) }), 'AuthorizationError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual(['room:created', 'message:new']);
  });
});

describe('after a join without since', () => {
  it('messages that still wait for the caller come again, after the ack; nothing else does', async () => {
    const { alice, bob, roomId } = trio;
    for (const content of ['seen', 'delivered', 'waits 1', 'waits 2']) {
      await say(alice, roomId, content);
    }
    await say(bob, roomId, 'own');
    await bob.client.emit('message:status', { roomId, upToSeq: 2, status: 'delivered' });
    await bob.client.emit('message:status', { roomId, upToSeq: 1, status: 'seen' });
    const bob2 = await chat.connect(bob);
    await joinNoted(bob2, { roomId });
    await bob2.settle();
    const order = bob2.received.filter(({ event }) => event === 'ack' || event === 'message:new');
    expect(order.map(({ event, payload }) => payload.content ?? event)).toEqual(['ack', 'waits 1', 'waits 2']);
    await bob.client.settle();
    expect(bob.client.all('message:new')).toHaveLength(5);
  });

  it('the room goes on at lastSeq + 1, in order and without a hole, however much is said meanwhile', async () => {
    const { alice, bob, roomId } = trio;
    const bob2 = await chat.connect(bob);
    const sends = Array.from({ length: 60 }, (_, i) => say(alice, roomId, `${i}`));
    const { lastSeq } = (await joinNoted(bob2, { roomId })) as unknown as { lastSeq: number };
    await Promise.all([...sends, say(bob, roomId, 'b'), say(alice, roomId, 'end')]);
    await bob2.settle();
    const after = bob2.received.slice(bob2.received.findIndex(({ event }) => event === 'ack'));
    const news = after.filter(({ event }) => event === 'message:new').map(({ payload }) => payload.seq as number);
    expect(news.filter((seq) => seq > lastSeq)).toEqual(
      Array.from({ length: 62 - lastSeq }, (_, i) => lastSeq + 1 + i),
    );
  });
});

describe('a public key', () => {
  it('is remembered for the room and handed to the other, on change only', async () => {
    const { alice, bob, carol, roomId } = trio;
    const key = 'k'.repeat(8192);
    await alice.client.emit('room:join', { roomId, publicKey: key });
    expect(await bob.client.next('room:keys')).toEqual({ roomId, userId: alice.id, publicKey: key });
    const ack = await bob.client.emit('room:join', { roomId, publicKey: ' as it is\u0000 ' });
    expect(ack).toMatchObject({
      otherUserId: alice.id,
      otherUserPublicKey: key,
      publicKeys: { [alice.id]: key, [bob.id]: ' as it is\u0000 ' },
    });
    await alice.client.emit('room:join', { roomId, publicKey: key });
    await alice.client.emit('room:join', { roomId });
    await bob.client.settle();
    expect(bob.client.all('room:keys')).toHaveLength(1);
    expect(alice.client.all('room:keys')).toEqual([{ roomId, userId: bob.id, publicKey: ' as it is\u0000 ' }]);
    await alice.client.emit('room:join', { roomId, publicKey: 'another' });
    await bob.client.next('room:keys', ({ publicKey }) => publicKey === 'another');
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is of that room alone', async () => {
    const { alice, carol, roomId } = trio;
    await alice.client.emit('room:join', { roomId, publicKey: 'key' });
    const elsewhere = await carol.client.emit('room:join', { roomId: roomOf(alice, carol) });
    expect(elsewhere).toMatchObject({ otherUserId: alice.id, publicKeys: {} });
    expect(elsewhere).not.toHaveProperty('otherUserPublicKey');
  });
});
