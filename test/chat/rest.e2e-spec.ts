import { ChatApp, roomEvents, roomOf, say, type Trio } from '../support/chat-app';

let chat: ChatApp;
let trio: Trio;

beforeEach(async () => {
  chat = await ChatApp.start();
  trio = await chat.trio();
});

afterEach(() => chat.close());

const api: ChatApp['api'] = (...args) => chat.api(...args);

describe('POST /api/chat/rooms', () => {
  const open = (person: { token: string }, otherUserId: unknown) =>
    api(person, 'post', 'chat/rooms').send({ otherUserId });

  it('opens one room for the same two people, whoever asks, and tells the other', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { body } = await open(alice, bob.id).expect(200);
    const room = expect.objectContaining({ id: roomId, type: 'direct', memberCount: 2 });
    expect(body).toEqual({ success: true, roomId, room, messages: [] });
    expect(await bob.client.next('room:created')).toEqual({ room: body.room });
    await say(alice, roomId, 'hello');
    const again = await open(bob, alice.id).expect(200);
    expect(again.body).toMatchObject({ roomId, messages: [{ content: 'hello' }] });
    await alice.client.settle();
    expect(roomEvents(alice.client)).toEqual(['message:new']);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('knows no guests, nobody who is not there, and no rooms with oneself', async () => {
    const { alice } = trio;
    const guest = await chat.guest();
    for (const nobody of [guest.id, '0'.repeat(24), 'x', '__proto__', 'a_b', '%00']) {
      const { body } = await open(alice, nobody).expect(404);
      expect(body).toMatchObject({ code: 'NotFoundError' });
    }
    await open(alice, alice.id).expect(400);
    await open(guest, alice.id).expect(403);
    expect((await api(alice, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
  });

  it.each([undefined, null, '', 7, {}, ['x'], 'x'.repeat(129)])('refuses %p', async (otherUserId) => {
    const { body } = await open(trio.alice, otherUserId).expect(400);
    expect(body).toMatchObject({ code: 'ValidationError', details: [{ field: 'otherUserId' }] });
  });
});

describe('GET /api/chat/rooms', () => {
  it('lists one’s rooms with all that a list shows, newest activity first', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(bob, roomId, 'hello');
    const createdAt = chat.iso();
    chat.clock.advance(1000);
    await say(alice, roomOf(alice, carol), 'newer');
    await alice.client.emit('room:join', { roomId });
    const { body } = await api(alice, 'get', 'chat/rooms').expect(200);
    const [newer, older] = body.rooms;
    expect(newer).toMatchObject({ otherUserId: carol.id, unreadCount: 0, messageCount: 1, activeUsers: [] });
    expect(older).toEqual({
      id: roomId,
      type: 'direct',
      otherUserId: bob.id,
      otherUsername: bob.username,
      otherUserOnline: true,
      activeUsers: [alice.id],
      messageCount: 1,
      unreadCount: 1,
      lastMessage: {
        id: expect.stringMatching(/^msg_/),
        content: 'hello',
        imageUrl: null,
        createdAt,
        senderId: bob.id,
      },
      createdAt,
    });
    const order = async (): Promise<string[]> =>
      (await api(alice, 'get', 'chat/rooms')).body.rooms.map(({ otherUserId }: { otherUserId: string }) => otherUserId);
    expect(await order()).toEqual([carol.id, bob.id]);
    chat.clock.advance(1000);
    await say(bob, roomId, 'newest');
    expect(await order()).toEqual([bob.id, carol.id]);
  });

  it('shows nobody the rooms of others, and nothing to guests', async () => {
    const { alice, carol, roomId } = trio;
    await say(alice, roomId, 'needle');
    expect((await api(carol, 'get', 'chat/rooms').expect(200)).body).toEqual({ rooms: [] });
    await api(await chat.guest(), 'get', 'chat/rooms').expect(403);
  });
});

describe('GET /api/chat/rooms/:roomId/messages', () => {
  const page = (query = '') => api(trio.bob, 'get', `chat/rooms/${trio.roomId}/messages${query}`);
  const seqs = ({ body }: { body: { messages: { seq: number }[] } }): number[] => body.messages.map(({ seq }) => seq);

  it('pages from the newest to the oldest, each page ascending', async () => {
    const { alice, roomId } = trio;
    await say(alice, roomId, '1');
    await Promise.all(Array.from({ length: 54 }, (_, i) => say(alice, roomId, `${i + 2}`)));
    const first = await page().expect(200);
    expect(seqs(first)).toEqual(Array.from({ length: 50 }, (_, i) => i + 6));
    expect(first.body.hasMore).toBe(true);
    const second = await page('?before=6&limit=3').expect(200);
    expect([seqs(second), second.body.hasMore]).toEqual([[3, 4, 5], true]);
    const last = await page('?before=3&limit=200').expect(200);
    expect([seqs(last), last.body.hasMore]).toEqual([[1, 2], false]);
    expect((await page('?before=1')).body).toEqual({ messages: [], hasMore: false });
    expect((await page('?before=0')).body).toEqual({ messages: [], hasMore: false });
  });

  it.each(['limit=0', 'limit=201', 'limit=ten', 'limit=1.5', 'limit=', 'before=-1', 'before=x', 'before=1&before=2'])(
    'refuses ?%s',
    async (query) => {
      await say(trio.alice, trio.roomId, 'hello');
      expect((await page(`?${query}`).expect(400)).body.code).toBe('ValidationError');
    },
  );

  it('shows a room to those who are in it, while it stands', async () => {
    const { alice, carol, roomId } = trio;
    await page().expect(404);
    await say(alice, roomId, 'needle');
    for (const [person, path, status] of [
      [carol, roomId, 404],
      [await chat.guest(), roomId, 403],
      [alice, 'x', 404],
      [alice, '__proto__', 404],
      [alice, `dm_${alice.id}_${alice.id}`, 404],
    ] as const) {
      const { text } = await api(person, 'get', `chat/rooms/${path}/messages`).expect(status);
      expect(text).not.toContain('needle');
    }
    await api(alice, 'get', 'chat/rooms/%E0%A4%A/messages').expect(404);
  });
});

describe('POST /api/chat/rooms/:roomId/messages', () => {
  const send = (person: { token: string }, body: object, roomId = trio.roomId) =>
    api(person, 'post', `chat/rooms/${roomId}/messages`).send(body);

  it('sends as the socket does: answer, sender’s sockets and the other’s show one message', async () => {
    const { alice, bob, carol, roomId } = trio;
    const { body } = await send(alice, { content: ' hello ', ttl: 60, clientId: 'c-1', roomId: 'x' }).expect(201);
    expect(body).toEqual({
      success: true,
      message: {
        id: expect.stringMatching(/^msg_/),
        roomId,
        seq: 1,
        senderId: alice.id,
        senderUsername: alice.username,
        type: 'text',
        content: 'hello',
        status: 'sent',
        createdAt: chat.iso(),
        expiresAt: chat.iso(60_000),
        clientId: 'c-1',
      },
    });
    expect(await bob.client.next('message:new')).toEqual(body.message);
    expect(await alice.client.next('message:new')).toEqual(body.message);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it.each([
    [{}],
    [{ content: '' }],
    [{ content: 7 }],
    [{ content: 'x'.repeat(5001) }],
    [{ content: 'x', ttl: -1 }],
    [{ content: 'x', ttl: '60' }],
    [{ content: 'x', burn: 'yes' }],
    [{ content: 'x', burn: true, expireFrom: 'seen' }],
    [{ content: 'x', expireFrom: 'x' }],
    [{ content: 'x', imageUrl: {} }],
    [{ content: 'x', fileId: 'x' }],
    [{ content: 'x', replyTo: 7 }],
    [{ content: 'x', type: 'system' }],
  ])('refuses %j', async (body) => {
    const { alice, bob } = trio;
    expect((await send(alice, body).expect(400)).body.code).toBe('ValidationError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
  });

  it('is not for people outside the room, or guests', async () => {
    const { bob, carol } = trio;
    await send(carol, { content: 'x' }).expect(404);
    await send(await chat.guest(), { content: 'x' }).expect(403);
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
  });
});

describe('POST /api/chat/rooms/:roomId/read', () => {
  const read = (person: { token: string }, body: object) =>
    api(person, 'post', `chat/rooms/${trio.roomId}/read`).send(body);

  it.each([
    {},
    { upToSeq: '1' },
    { upToSeq: -1 },
    { upToSeq: 0.5 },
    { upToSeq: 1, status: 'read' },
    { upToSeq: 1, status: 2 },
  ])('refuses %j', async (body) => {
    expect((await read(trio.bob, body).expect(400)).body.code).toBe('ValidationError');
  });

  it('is not for people outside the room, or guests', async () => {
    const { alice, carol, roomId } = trio;
    await say(alice, roomId, 'hello');
    await read(carol, { upToSeq: 1 }).expect(404);
    await read(await chat.guest(), { upToSeq: 1 }).expect(403);
    await alice.client.settle();
    expect(alice.client.all('message:statusUpdated')).toEqual([]);
  });
});

describe('GET /api/chat/stats and online-users', () => {
  it('count what there is', async () => {
    const { alice, bob, carol, roomId } = trio;
    await say(alice, roomId, 'one', { ttl: 60 });
    await say(alice, roomOf(alice, carol), 'two');
    const stats = async () => (await api(bob, 'get', 'chat/stats').expect(200)).body;
    const counted = {
      activeChatCount: 2,
      onlineUserCount: 3,
      messageCount: 2,
      imageCount: 0,
      uptime: expect.any(Number),
    };
    expect(await stats()).toEqual(counted);
    await chat.pass(60_000);
    await bob.client.next('message:expired');
    expect((await stats()).messageCount).toBe(1);
    await api(bob, 'delete', `chat/rooms/${roomId}`);
    await api(carol, 'delete', `chat/rooms/${roomOf(alice, carol)}`).expect(204);
    expect(await stats()).toMatchObject({ activeChatCount: 0, messageCount: 0 });
  });

  it('name who is online, and nobody who is not', async () => {
    const { alice, bob, carol } = trio;
    await chat.register('offline');
    const { body } = await api(alice, 'get', 'chat/online-users').expect(200);
    expect(body).toEqual({ onlineUserIds: [alice.id, bob.id, carol.id] });
  });

  it('are not for guests', async () => {
    const guest = await chat.guest();
    await api(guest, 'get', 'chat/stats').expect(403);
    await api(guest, 'get', 'chat/online-users').expect(403);
  });
});
