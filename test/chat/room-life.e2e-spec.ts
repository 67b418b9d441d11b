import { ChatApp, roomEvents, roomOf, say, type Trio } from '../support/chat-app';

let chat: ChatApp;
let trio: Trio;

const GRACE_MS = 30_000;

beforeEach(async () => {
  chat = await ChatApp.start({ ROOM_EMPTY_GRACE_MS: `${GRACE_MS}` });
  trio = await chat.trio();
});

afterEach(() => chat.close());

const api: ChatApp['api'] = (...args) => chat.api(...args);

async function stands(): Promise<boolean> {
  const { status } = await api(trio.alice, 'get', `chat/rooms/${trio.roomId}/messages`);
  return status === 200;
}

/** A message that does not wait: Bob got it. */
async function delivered(): Promise<void> {
  const { alice, bob, roomId } = trio;
  const { seq } = await say(alice, roomId, 'hello');
  await bob.client.emit('message:status', { roomId, upToSeq: seq, status: 'delivered' });
}

describe('a direct room is wiped', () => {
  it('once both have left it, and all their sockets are told, those that left too', async () => {
    const { alice, bob, carol, roomId } = trio;
    await delivered();
    await alice.client.emit('room:leave', { roomId });
    expect(await stands()).toBe(true);
    await bob.client.emit('room:leave', { roomId });
    for (const { client } of [alice, bob]) {
      expect(await client.next('room:closed')).toEqual({ roomId, reason: 'left' });
    }
    expect(await stands()).toBe(false);
    expect((await api(bob, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('not while one of somebody’s tabs has not left', async () => {
    const { alice, bob, roomId } = trio;
    const bob2 = await chat.connect(bob);
    await delivered();
    for (const client of [alice.client, bob.client]) {
      await client.emit('room:leave', { roomId });
    }
    await chat.pass(10 * GRACE_MS);
    expect(await stands()).toBe(true);
    await bob2.emit('room:leave', { roomId });
    await alice.client.next('room:closed');
  });

  it('not while a message waits for its recipient, but as soon as that has come', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'waits');
    for (const { client } of [alice, bob]) {
      await client.emit('room:leave', { roomId });
    }
    await chat.pass(10 * GRACE_MS);
    expect(await stands()).toBe(true);
    await bob.client.emit('message:status', { roomId, upToSeq: 1, status: 'delivered' });
    await bob.client.next('room:closed');
    expect(await stands()).toBe(false);
  });

  it('or when the message that waited has expired', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'waits', { ttl: 60 });
    for (const { client } of [alice, bob]) {
      await client.emit('room:leave', { roomId });
    }
    await chat.pass(60_000);
    await alice.client.next('room:closed');
    await bob.client.next('room:closed');
    expect(roomEvents(alice.client)).toContain('message:expired');
    expect(await stands()).toBe(false);
  });

  it('a grace after both lost their last socket', async () => {
    const { alice, bob } = trio;
    await delivered();
    await chat.leave(alice.client);
    await chat.leave(bob.client);
    await chat.pass(GRACE_MS - 1);
    expect(await stands()).toBe(true);
    await chat.pass(1);
    expect(await stands()).toBe(false);
  });

  it('a grace after one lost the last socket where the other has left', async () => {
    const { alice, bob, roomId } = trio;
    await delivered();
    await alice.client.emit('room:leave', { roomId });
    await chat.leave(bob.client);
    await chat.pass(GRACE_MS);
    await alice.client.next('room:closed');
  });

  it('not when somebody comes back within the grace, joined or not', async () => {
    const { alice, bob } = trio;
    await delivered();
    await chat.leave(alice.client);
    await chat.leave(bob.client);
    await chat.pass(GRACE_MS - 1);
    await chat.connect(bob);
    await chat.pass(10 * GRACE_MS);
    expect(await stands()).toBe(true);
  });

  it('not by a disconnect while a message waits for who is offline', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'waits', { ttl: 3600 });
    await chat.leave(alice.client);
    await chat.leave(bob.client);
    await chat.pass(3_000_000);
    const back = await chat.connect(bob);
    expect(await back.emit('room:join', { roomId })).toMatchObject({ messages: [{ content: 'waits' }] });
  });

  it('a grace after it was opened where nobody joined and nothing was said', async () => {
    const { alice, bob, roomId } = trio;
    await api(alice, 'post', 'chat/rooms').send({ otherUserId: bob.id }).expect(200);
    await chat.pass(GRACE_MS - 1);
    expect(await stands()).toBe(true);
    await chat.pass(1);
    expect(await bob.client.next('room:closed')).toEqual({ roomId, reason: 'left' });
  });

  it('not while somebody is in it, though nothing is said', async () => {
    const { alice, roomId } = trio;
    await alice.client.emit('room:join', { roomId });
    await chat.pass(10 * GRACE_MS);
    expect(await stands()).toBe(true);
  });
});

describe('a room that was wiped', () => {
  it.each([
    [
      'POST /api/chat/rooms',
      () => api(trio.alice, 'post', 'chat/rooms').send({ otherUserId: trio.bob.id }).expect(200),
    ],
    [
      'the same with its type',
      () => api(trio.alice, 'post', 'chat/rooms').send({ type: 'direct', otherUserId: trio.bob.id }).expect(200),
    ],
    ['room:join', () => trio.alice.client.emit('room:join', { roomId: trio.roomId })],
    ['a send', () => say(trio.alice, trio.roomId, 'anew')],
  ])('is opened again by %s: another epoch, the other is told, earlier leaves are forgotten', async (_what, open) => {
    const { alice, bob, carol, roomId } = trio;
    await delivered();
    const { epoch } = await bob.client.emit('room:join', { roomId });
    for (const { client } of [alice, bob]) {
      await client.emit('room:leave', { roomId });
    }
    await bob.client.next('room:closed');
    bob.client.received.length = 0;
    await open();
    expect(await bob.client.next('room:created')).toMatchObject({ room: { id: roomId } });
    await say(alice, roomId, 'heard');
    await bob.client.next('message:new', ({ content }) => content === 'heard');
    const again = await bob.client.emit('room:join', { roomId });
    expect(again.epoch).not.toBe(epoch);
    expect((again.messages as { seq: number }[])[0]?.seq).toBe(1);
    await alice.client.settle();
    expect(alice.client.all('room:created')).toEqual([]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is opened by one of two who try at once, in one epoch', async () => {
    const { alice, bob, roomId } = trio;
    const acks = await Promise.all([alice, bob].map(({ client }) => client.emit('room:join', { roomId })));
    expect(acks[0]?.epoch).toBe(acks[1]?.epoch);
    await alice.client.settle();
    await bob.client.settle();
    expect([...alice.client.all('room:created'), ...bob.client.all('room:created')]).toHaveLength(1);
  });
});

describe('DELETE /api/chat/rooms/:roomId', () => {
  it('wipes the room for both, whatever waits in it', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'waits');
    await api(bob, 'delete', `chat/rooms/${roomId}`).expect(204, '');
    for (const { client } of [alice, bob]) {
      expect(await client.next('room:closed')).toEqual({ roomId, reason: 'deleted' });
    }
    await chat.pass(10_000_000);
    await alice.client.settle();
    expect(alice.client.all('message:expired')).toEqual([]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is for those who are in it, and only while it stands', async () => {
    const { alice, carol, roomId } = trio;
    await api(alice, 'delete', `chat/rooms/${roomId}`).expect(404);
    await say(alice, roomId, 'stays');
    await api(carol, 'delete', `chat/rooms/${roomId}`).expect(404);
    await api(await chat.guest(), 'delete', `chat/rooms/${roomId}`).expect(403);
    expect(await stands()).toBe(true);
  });
});

describe('PATCH /api/chat/rooms/:roomId', () => {
  const patch = (person: { token: string }, body: object) =>
    api(person, 'patch', `chat/rooms/${trio.roomId}`).send(body);

  it('sets the lifetime of later messages, and both are told by event and by a system message', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'before');
    const { body } = await patch(bob, { settings: { messageTtl: 60 } }).expect(200);
    expect(body).toEqual({ room: expect.objectContaining({ id: roomId }) });
    expect(body.room.settings.messageTtl).toBe(60);
    for (const { client } of [alice, bob]) {
      expect(await client.next('room:updated')).toMatchObject({ room: { id: roomId, settings: { messageTtl: 60 } } });
      expect(await client.next('message:new', ({ type }) => type === 'system')).toMatchObject({
        seq: 2,
        type: 'system',
        senderId: bob.id,
        content: expect.stringContaining(bob.username),
        status: 'delivered',
        system: { kind: 'settings', actorId: bob.id },
      });
    }
    expect(await say(alice, roomId, 'after')).toMatchObject({ seq: 3, expiresAt: chat.iso(60_000) });
    await chat.pass(60_000);
    const { body: page } = await api(alice, 'get', `chat/rooms/${roomId}/messages`);
    expect(page.messages).toMatchObject([{ content: 'before' }]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('to the lifetime that there is already tells nobody', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'before');
    await patch(alice, { settings: { messageTtl: 60 } }).expect(200);
    const { body } = await patch(bob, { settings: { messageTtl: 60 } }).expect(200);
    expect(body.room.settings.messageTtl).toBe(60);
    await bob.client.settle();
    expect(bob.client.all('room:updated')).toHaveLength(1);
    expect(bob.client.all('message:new')).toMatchObject([{ content: 'before' }, { type: 'system' }]);
  });

  it('leaves no trace in counts: its system message is no last message and unread by nobody', async () => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'before');
    await patch(alice, { settings: { messageTtl: 60 } }).expect(200);
    const { body } = await api(bob, 'get', 'chat/rooms');
    expect(body.rooms).toMatchObject([{ messageCount: 1, unreadCount: 1, lastMessage: { content: 'before' } }]);
    await bob.client.emit('message:status', { roomId, upToSeq: 9, status: 'seen' });
    await alice.client.settle();
    expect(alice.client.all('message:statusUpdated')).toHaveLength(1);
  });

  it.each([
    {},
    { settings: null },
    { settings: [] },
    { settings: 'x' },
    { settings: { messageTtl: null } },
    { settings: { messageTtl: 0 } },
    { settings: { messageTtl: 1.5 } },
    { settings: { messageTtl: '60' } },
    { settings: { messageTtl: 2_592_001 } },
  ])('refuses %j and changes nothing', async (body) => {
    const { alice, bob, roomId } = trio;
    await say(alice, roomId, 'before');
    await patch(alice, body).expect(400);
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual(['room:created', 'message:new']);
  });

  it('is for those who are in the room, and only while it stands', async () => {
    const { alice, carol, roomId } = trio;
    const body = { settings: { messageTtl: 60 } };
    await patch(alice, body).expect(404);
    await say(alice, roomId, 'before');
    await patch(carol, body).expect(404);
    await patch(await chat.guest(), body).expect(403);
    expect((await alice.client.emit('room:join', { roomId })).room).toMatchObject({ settings: { messageTtl: 3600 } });
  });
});

describe('an account that is erased', () => {
  it('takes its direct rooms with it, and the others are told', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'needle');
    await say(carol, roomOf(carol, bob), 'stays');
    await api(alice, 'delete', 'users/me').expect(204);
    expect(await bob.client.next('room:closed')).toEqual({ roomId, reason: 'erased' });
    const { body } = await api(bob, 'get', 'chat/rooms');
    expect(body.rooms).toMatchObject([{ otherUserId: carol.id }]);
    await carol.client.settle();
    expect(carol.client.all('room:closed')).toEqual([]);
    expect(await bob.client.emit('room:join', { roomId })).toMatchObject({ success: false, code: 'NotFoundError' });
  });
});
