import { ChatApp, expectRefusal, type Person, roomEvents, say, type Trio } from '../support/chat-app';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

const history = async (person: Person, roomId = trio.roomId): Promise<Record<string, unknown>[]> =>
  (await chat.api(person, 'get', `chat/rooms/${roomId}/messages`).expect(200)).body.messages;
const path = (messageId: string, rest = ''): string => `chat/rooms/${trio.roomId}/messages/${messageId}${rest}`;
const THUMB = encodeURIComponent('👍');

describe('message:edit', () => {
  it('is told to every socket of the room, and shown by every path', async () => {
    const { alice, bob, carol, roomId } = trio;
    const alice2 = await chat.connect(alice);
    const { messageId } = await say(alice, roomId, 'befor', { clientId: 'c1' });
    chat.clock.advance(1000);
    expect(await alice.client.emit('message:edit', { roomId, messageId, content: ' before ' })).toEqual({
      success: true,
    });
    for (const client of [alice.client, alice2, bob.client]) {
      expect(await client.next('message:edited')).toMatchObject({
        id: messageId,
        roomId,
        seq: 1,
        content: 'before',
        clientId: 'c1',
        editedAt: chat.iso(),
      });
    }
    expect(await history(bob)).toMatchObject([{ id: messageId, content: 'before', editedAt: chat.iso() }]);
    expect(await bob.client.emit('room:join', { roomId })).toMatchObject({ messages: [{ content: 'before' }] });
    expect((await chat.api(bob, 'get', 'chat/rooms')).body.rooms).toMatchObject([
      { lastMessage: { content: 'before' } },
    ]);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is the same by REST', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x');
    const { body } = await chat.api(alice, 'patch', path(messageId)).send({ content: 'y' }).expect(200);
    expect(body).toEqual({ message: await bob.client.next('message:edited') });
    expect(body.message).toMatchObject({ id: messageId, content: 'y' });
    await chat.api(bob, 'patch', path(messageId)).send({ content: 'z' }).expect(403);
    await chat.api(alice, 'patch', path('msg_1_none')).send({ content: 'z' }).expect(404);
    await chat.api(alice, 'patch', path(messageId)).send({ content: '  ' }).expect(400);
  });

  it('is refused for what cannot be edited, and changes nothing', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'mine');
    const burn = await say(alice, roomId, 'burns', { burn: true });
    await chat
      .api(alice, 'patch', `chat/rooms/${roomId}`)
      .send({ settings: { messageTtl: 60 } })
      .expect(200);
    const system = (await history(alice)).find(({ type }) => type === 'system')?.id;
    const edit = (person: Person, id: unknown, content: unknown = 'x') =>
      person.client.emit('message:edit', { roomId, messageId: id, content });
    expectRefusal(await edit(bob, messageId), 'AuthorizationError', 'Only a message of your own can be edited');
    expectRefusal(await edit(carol, messageId), 'NotFoundError', 'There is no such room');
    expectRefusal(await edit(alice, burn.messageId), 'ValidationError');
    expectRefusal(await edit(alice, system), 'ValidationError');
    expectRefusal(await edit(alice, 'nothing'), 'NotFoundError', 'There is no such message');
    for (const content of ['', ' \n ', 7, null, ['x'], 'x'.repeat(5001)]) {
      expectRefusal(await edit(alice, messageId, content), 'ValidationError');
    }
    expect(await edit(alice, messageId, '😀'.repeat(5000))).toEqual({ success: true });
    expect((await history(bob)).map(({ content }) => content)).toMatchObject([
      '😀'.repeat(5000),
      undefined,
      expect.any(String),
    ]);
    expect(bob.client.all('message:edited')).toHaveLength(1);
  });

  it('of what has expired is refused, though it be there still', async () => {
    const { alice, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x', { ttl: 1 });
    chat.stopSweeping();
    chat.clock.advance(1000);
    expectRefusal(await alice.client.emit('message:edit', { roomId, messageId, content: 'y' }), 'NotFoundError');
    await chat.api(alice, 'patch', path(messageId)).send({ content: 'y' }).expect(404);
    await chat.api(alice, 'delete', path(messageId)).expect(404);
    await chat.api(alice, 'put', path(messageId, `/reactions/${THUMB}`)).expect(404);
  });
});

describe('message:delete', () => {
  it('leaves a tombstone, which goes at the deadline and is in no count', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'stays');
    const { messageId } = await say(alice, roomId, 'needle', { ttl: 60 });
    await bob.client.emit('message:react', { roomId, messageId, emoji: '👍' });
    expect(await alice.client.emit('message:delete', { roomId, messageId })).toEqual({ success: true });
    const deleted = { roomId, messageId, deletedBy: alice.id, deletedAt: chat.iso() };
    expect(await bob.client.next('message:deleted')).toEqual(deleted);
    expect(await alice.client.next('message:deleted')).toEqual(deleted);
    const [, tombstone] = await history(bob);
    expect(tombstone).toEqual({
      id: messageId,
      roomId,
      seq: 2,
      senderId: alice.id,
      senderUsername: alice.username,
      type: 'deleted',
      content: '[Message deleted]',
      status: 'sent',
      createdAt: chat.iso(),
      expiresAt: chat.iso(60_000),
    });
    expect((await chat.api(bob, 'get', 'chat/rooms')).body.rooms).toMatchObject([
      { messageCount: 1, unreadCount: 1, lastMessage: { content: 'stays' } },
    ]);
    expect(await alice.client.emit('message:delete', { roomId, messageId })).toEqual({ success: true });
    await chat.api(alice, 'delete', path(messageId)).expect(204);
    await chat.pass(60_000);
    expect(await bob.client.next('message:expired')).toEqual({ roomId, messageIds: [messageId], reason: 'expired' });
    expect(await history(bob)).toHaveLength(1);
    await bob.client.settle();
    expect(bob.client.all('message:deleted')).toHaveLength(1);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('is for the sender', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x');
    expectRefusal(await bob.client.emit('message:delete', { roomId, messageId }), 'AuthorizationError');
    expectRefusal(await carol.client.emit('message:delete', { roomId, messageId }), 'NotFoundError');
    await chat.api(bob, 'delete', path(messageId)).expect(403);
    await chat.api(carol, 'delete', path(messageId)).expect(404);
    expect(await history(alice)).toMatchObject([{ content: 'x' }]);
  });

  it('of the last message that waits lets a room go that both have left', async () => {
    const { alice, bob, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x');
    await bob.client.emit('room:leave', { roomId });
    await alice.client.emit('room:leave', { roomId });
    expect(alice.client.all('room:closed')).toEqual([]);
    await chat.api(alice, 'delete', path(messageId)).expect(204);
    expect(await alice.client.next('room:closed')).toEqual({ roomId, reason: 'left' });
    expect(await bob.client.next('room:closed')).toEqual({ roomId, reason: 'left' });
  });
});

describe('message:react', () => {
  it('is told with all reactions of the message, and shown by every path', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x');
    expect(await bob.client.emit('message:react', { roomId, messageId, emoji: '👍' })).toEqual({ success: true });
    const reactions = [{ emoji: '👍', count: 1, userIds: [bob.id] }];
    const told = { roomId, messageId, userId: bob.id, emoji: '👍', action: 'added', reactions };
    expect(await alice.client.next('message:reaction')).toEqual(told);
    expect(await bob.client.next('message:reaction')).toEqual(told);
    await chat.api(alice, 'put', path(messageId, `/reactions/${THUMB}`)).expect(204);
    await chat.api(alice, 'put', path(messageId, `/reactions/${THUMB}`)).expect(204);
    expect(await history(bob)).toMatchObject([{ reactions: [{ emoji: '👍', count: 2, userIds: [bob.id, alice.id] }] }]);
    await chat.api(bob, 'delete', path(messageId, `/reactions/${THUMB}`)).expect(204);
    await alice.client.emit('message:unreact', { roomId, messageId, emoji: '👍' });
    await alice.client.emit('message:unreact', { roomId, messageId, emoji: '👍' });
    await alice.client.settle();
    const actions = alice.client.all('message:reaction').map(({ action, userId }) => [action, userId]);
    expect(actions).toEqual([
      ['added', bob.id],
      ['added', alice.id],
      ['removed', bob.id],
      ['removed', alice.id],
    ]);
    expect((await history(bob))[0]).not.toHaveProperty('reactions');
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('takes one emoji, and twenty kinds', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { messageId } = await say(alice, roomId, 'x');
    const react = (emoji: unknown, person = bob) => person.client.emit('message:react', { roomId, messageId, emoji });
    for (const emoji of ['', 'a', '👍👍', ' 👍', 7, null, ['👍'], '<b>']) {
      expectRefusal(await react(emoji), 'ValidationError');
    }
    await chat.api(bob, 'put', path(messageId, '/reactions/x')).expect(400);
    const kinds = [...'😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓'];
    for (const emoji of kinds) {
      expect(await react(emoji)).toEqual({ success: true });
    }
    expectRefusal(await react('👍'), 'CapacityError');
    expect(await react(kinds[0], alice)).toEqual({ success: true });
    expectRefusal(await react('😀', carol), 'NotFoundError');
  });
});

describe('message:send with replyTo', () => {
  it('shows what it answers for as long as that is there', async () => {
    const { alice, bob, roomId } = trio;
    const original = await say(alice, roomId, 'When?', { ttl: 60 });
    const reply = await say(bob, roomId, 'At eight', { replyTo: original.messageId });
    const quote = { id: original.messageId, senderId: alice.id, senderUsername: alice.username };
    expect(await alice.client.next('message:new', ({ seq }) => seq === 2)).toMatchObject({
      content: 'At eight',
      replyTo: { ...quote, preview: 'When?' },
    });
    const shown = async () => (await history(bob)).find(({ id }) => id === reply.messageId)?.replyTo;
    await alice.client.emit('message:edit', { roomId, messageId: original.messageId, content: 'When, then?' });
    expect(await shown()).toEqual({ ...quote, preview: 'When, then?' });
    chat.stopSweeping();
    chat.clock.advance(60_000);
    expect(await shown()).toEqual({ ...quote, preview: null });
    expect(await alice.client.emit('room:join', { roomId })).toMatchObject({
      messages: [{ replyTo: { ...quote, preview: null } }],
    });
  });

  it('is refused for what is not there, and may be repeated when it has gone', async () => {
    const { alice, bob, roomId } = trio;
    const original = await say(alice, roomId, 'x');
    const { messageId } = await say(bob, roomId, 'y', { replyTo: original.messageId, clientId: 'c' });
    await alice.client.emit('message:delete', { roomId, messageId: original.messageId });
    const again = { roomId, content: 'y', replyTo: original.messageId };
    expectRefusal(await bob.client.emit('message:send', again), 'NotFoundError');
    await chat.api(bob, 'post', `chat/rooms/${roomId}/messages`).send({ content: 'y', replyTo: 'none' }).expect(404);
    expectRefusal(await bob.client.emit('message:send', { ...again, replyTo: 7 }), 'ValidationError');
    expect(await bob.client.emit('message:send', { ...again, clientId: 'c' })).toMatchObject({
      messageId,
      duplicate: true,
    });
  });
});

describe('a resume', () => {
  it('tells what was edited, deleted and reacted to meanwhile', async () => {
    const { alice, bob, roomId } = trio;
    const ids: string[] = [];
    for (const content of ['a', 'b', 'c', 'd']) {
      ids.push((await say(alice, roomId, content)).messageId);
    }
    const joined = await bob.client.emit('room:join', { roomId });
    chat.clock.advance(1000);
    await alice.client.emit('message:edit', { roomId, messageId: ids[1], content: 'B' });
    await alice.client.emit('message:delete', { roomId, messageId: ids[2] });
    await alice.client.emit('message:react', { roomId, messageId: ids[3], emoji: '❤️' });
    const { epoch, serverTime: sinceTime } = joined;
    const resumed = await bob.client.emit('room:join', { roomId, since: 4, epoch, sinceTime });
    expect(resumed).toMatchObject({
      gap: false,
      messages: [],
      live: [
        [1, 2],
        [4, 4],
      ],
      changed: [
        { seq: 2, content: 'B', editedAt: expect.any(String) },
        { seq: 3, type: 'deleted', content: '[Message deleted]' },
        { seq: 4, reactions: [{ emoji: '❤️', count: 1, userIds: [alice.id] }] },
      ],
    });
    expect(resumed.changed).toHaveLength(3);
  });
});
