import { ChatApp, expectRefusal, roomEvents, roomOf, say } from '../support/chat-app';

let chat: ChatApp;

afterEach(() => chat.close());

const start = async (settings?: Record<string, string>) => {
  chat = await ChatApp.start(settings);
  return chat.trio();
};

describe('message:send', () => {
  it('is acked, reaches both people as the message of the contract, and nobody else', async () => {
    const { alice, bob, carol, roomId } = await start();
    const ack = await alice.client.emit('message:send', { roomId, content: 'See you at eight', clientId: 'c-1' });
    expect(ack).toEqual({
      success: true,
      messageId: expect.stringMatching(/^msg_\d+_[0-9a-f]{24}$/),
      timestamp: chat.iso(),
      seq: 1,
      expiresAt: chat.iso(3_600_000),
      serverTime: chat.iso(),
    });
    const message = {
      id: ack.messageId,
      roomId,
      seq: 1,
      senderId: alice.id,
      senderUsername: alice.username,
      type: 'text',
      content: 'See you at eight',
      status: 'sent',
      createdAt: chat.iso(),
      expiresAt: chat.iso(3_600_000),
      clientId: 'c-1',
    };
    expect(await bob.client.next('message:new')).toEqual(message);
    expect(await alice.client.next('message:new')).toEqual(message);
    await carol.client.settle();
    expect(roomEvents(carol.client)).toEqual([]);
  });

  it('needs no join and opens the room: the other user is told of it first, the sender knows', async () => {
    const { alice, bob, roomId } = await start();
    await say(alice, roomId, 'hello');
    await bob.client.next('message:new');
    expect(roomEvents(bob.client)).toEqual(['room:created', 'message:new']);
    const { room } = await bob.client.next('room:created');
    expect(room).toMatchObject({ id: roomId, type: 'direct', name: null, creatorId: null, memberCount: 2 });
    await alice.client.settle();
    expect(roomEvents(alice.client)).toEqual(['message:new']);
  });

  it('counts seq 1, 2, 3 in each room for itself', async () => {
    const { alice, bob, carol, roomId } = await start();
    const seqs = [await say(alice, roomId, 'a'), await say(bob, roomId, 'b'), await say(alice, roomId, 'c')];
    expect(seqs.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect((await say(alice, roomOf(alice, carol), 'd')).seq).toBe(1);
  });

  it('takes the sender from the token, whatever the payload says, and drops unknown fields', async () => {
    const { alice, bob, carol, roomId } = await start();
    const forged = {
      senderId: carol.id,
      userId: carol.id,
      senderUsername: 'carol',
      id: 'x',
      seq: 9,
      system: {},
      to: 'all',
    };
    await say(alice, roomId, 'hello', forged);
    const message = await bob.client.next('message:new');
    expect(message).toMatchObject({ senderId: alice.id, senderUsername: alice.username, seq: 1, status: 'sent' });
    expect(message).not.toHaveProperty('to');
    expect(message).not.toHaveProperty('system');
  });

  it('delivers markup as it was typed', async () => {
    const { alice, bob, roomId } = await start();
    const typed = '<img src=x onerror=alert(1)> &amp; "quotes" \\n `code`';
    await say(alice, roomId, typed);
    expect(await bob.client.next('message:new')).toMatchObject({ content: typed });
  });

  it.each([
    ['line ends', 'one\r\ntwo', 'one\ntwo'],
    ['control characters', 'a\u0000b\u0007c\u001b[31md\u0085e\tf\ng', 'abc[31mde\tf\ng'],
    ['lone surrogates', 'a\ud800b', 'a\ufffdb'],
    ['decomposed letters', 'e\u0301', 'é'],
    ['blanks around', ' \n\t hello \u3000', 'hello'],
    ['a joined emoji, which stays', '👩‍👩‍👧', '👩‍👩‍👧'],
  ])('cleans %s', async (_what, typed, delivered) => {
    const { alice, bob, roomId } = await start();
    await say(alice, roomId, typed);
    expect(await bob.client.next('message:new')).toMatchObject({ content: delivered });
  });

  it('counts the length in code points of the cleaned text', async () => {
    const { alice, roomId } = await start({ MAX_MESSAGE_LENGTH: '10' });
    for (const fits of ['💬'.repeat(10), 'e\u0301'.repeat(10), ` ${'x'.repeat(10)}\r\n`, `${'x'.repeat(9)}\u0000y`]) {
      await say(alice, roomId, fits);
    }
    for (const tooLong of ['💬'.repeat(11), 'x'.repeat(11)]) {
      expectRefusal(await alice.client.emit('message:send', { roomId, content: tooLong }), 'ValidationError');
    }
  });

  it('takes the longest text that a setting can allow, in the widest characters', async () => {
    const { alice, bob, roomId } = await start({ MAX_MESSAGE_LENGTH: '20000' });
    const content = '💬'.repeat(20_000);
    await say(alice, roomId, content, { clientId: '💬'.repeat(32) });
    expect((await bob.client.next('message:new')).content === content).toBe(true);
  });

  it.each([
    ['no payload', undefined],
    ['no room', { content: 'x' }],
    ['no text', { roomId: 'own' }],
    ['an empty text', { roomId: 'own', content: '' }],
    ['nothing but blanks', { roomId: 'own', content: ' \n\t ' }],
    ['nothing but control characters', { roomId: 'own', content: '\u0000\u0007' }],
    ['a text that is no string', { roomId: 'own', content: { text: 'x' } }],
    ['a number for a text', { roomId: 'own', content: 7 }],
    ['a room that is no string', { roomId: ['own'], content: 'x' }],
    ['a clientId of 65 characters', { roomId: 'own', content: 'x', clientId: 'c'.repeat(65) }],
    ['an empty clientId', { roomId: 'own', content: 'x', clientId: '' }],
    ['a clientId that is a number', { roomId: 'own', content: 'x', clientId: 1 }],
    ['type system', { roomId: 'own', content: 'x', type: 'system' }],
    ['type deleted', { roomId: 'own', content: 'x', type: 'deleted' }],
    ['an unknown type', { roomId: 'own', content: 'x', type: 'poem' }],
    ['burn that is no boolean', { roomId: 'own', content: 'x', burn: 'yes' }],
    ['burn with a lifetime from being seen', { roomId: 'own', content: 'x', burn: true, expireFrom: 'seen' }],
    ['an image that is no address', { roomId: 'own', content: 'x', imageUrl: 7 }],
    ['an image with a long address', { roomId: 'own', content: 'x', imageUrl: 'x'.repeat(2049) }],
    ['a file', { roomId: 'own', content: 'x', fileId: 'f-1' }],
    ['a quote', { roomId: 'own', content: 'x', replyTo: 7 }],
  ])('refuses %s and changes nothing', async (_what, payload) => {
    const { alice, bob, roomId } = await start();
    const sent = payload && 'roomId' in payload && payload.roomId === 'own' ? { ...payload, roomId } : payload;
    expectRefusal(await alice.client.emit('message:send', sent), 'ValidationError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
    expect((await chat.api(alice, 'get', 'chat/rooms')).body).toEqual({ rooms: [] });
  });

  it('takes null for what may be absent, and a type for granted', async () => {
    const { alice, bob, roomId } = await start();
    const absent = {
      ttl: null,
      clientId: null,
      imageUrl: null,
      fileId: null,
      replyTo: null,
      burn: false,
      type: 'image',
    };
    await say(alice, roomId, 'hello', absent);
    expect(await bob.client.next('message:new')).toMatchObject({ type: 'text', content: 'hello' });
  });

  it('is not for people outside the room, guests, or rooms with oneself, nobody, or a made-up id', async () => {
    const { alice, bob, carol, roomId } = await start();
    const refused = async (client: typeof alice.client, room: string, code: string): Promise<void> =>
      expectRefusal(await client.emit('message:send', { roomId: room, content: 'needle' }), code);
    await refused(carol.client, roomId, 'NotFoundError');
    const made = [
      `dm_${alice.id}_${alice.id}`,
      `dm_${'0'.repeat(24)}_${alice.id}`,
      'dm_x_y',
      `u:${bob.id}`,
      bob.client.socket.id ?? '',
    ];
    const [first, second] = [alice.id, bob.id].sort();
    for (const room of [...made, `dm_${second}_${first}`, '__proto__', 'constructor']) {
      await refused(alice.client, room, 'NotFoundError');
    }
    const guest = await chat.guest();
    await refused(await chat.connect(guest), `dm_${[guest.id, bob.id].sort().join('_')}`, 'AuthorizationError');
    await refused(alice.client, `dm_${[guest.id, alice.id].sort().join('_')}`, 'NotFoundError');
    await bob.client.settle();
    expect(roomEvents(bob.client)).toEqual([]);
  });

  it('is refused when the room is full, and what is there stays', async () => {
    const { alice, bob, roomId } = await start({ MAX_MESSAGES_PER_ROOM: '2' });
    await say(alice, roomId, 'a', { ttl: 60 });
    await say(alice, roomId, 'b', { clientId: 'c-b' });
    expectRefusal(await alice.client.emit('message:send', { roomId, content: 'c' }), 'CapacityError');
    expect(await say(alice, roomId, 'b', { clientId: 'c-b' })).toMatchObject({ seq: 2, duplicate: true });
    const { body } = await chat.api(bob, 'get', `chat/rooms/${roomId}/messages`);
    expect(body.messages).toMatchObject([{ content: 'a' }, { content: 'b' }]);
    await chat.pass(60_000);
    expect(await say(alice, roomId, 'c')).toMatchObject({ seq: 3 });
  });

  it('is refused when a user is in too many rooms', async () => {
    const { alice, bob, carol } = await start({ MAX_ROOMS_PER_USER: '1' });
    await say(alice, roomOf(alice, bob), 'a');
    const refused = { roomId: roomOf(carol, bob), content: 'b' };
    expectRefusal(await carol.client.emit('message:send', refused), 'CapacityError');
    await say(alice, roomOf(alice, bob), 'c');
  });
});

describe('the lifetime of a message', () => {
  it('is the ttl that it was sent with, else that of the room', async () => {
    const { alice, roomId } = await start({ MESSAGE_TTL_MS: '120000' });
    expect(await say(alice, roomId, 'a')).toMatchObject({ expiresAt: chat.iso(120_000) });
    expect(await say(alice, roomId, 'b', { ttl: 1 })).toMatchObject({ expiresAt: chat.iso(1000) });
    expect(await say(alice, roomId, 'c', { ttl: 2_592_000 })).toMatchObject({ expiresAt: chat.iso(2_592_000_000) });
  });

  it.each([-1, 1.5, 2_592_001, 1e300, '60', true, [60], { s: 60 }])('is never %p', async (ttl) => {
    const { alice, roomId } = await start();
    expectRefusal(await alice.client.emit('message:send', { roomId, content: 'x', ttl }), 'ValidationError');
  });

  it('keeps to the settings', async () => {
    const settings = {
      MESSAGE_TTL_MIN_S: '10',
      MESSAGE_TTL_MAX_S: '60',
      MESSAGE_MAX_LIFETIME_S: '30',
      MESSAGE_TTL_MS: '30000',
    };
    const { alice, roomId } = await start(settings);
    for (const ttl of [9, 61]) {
      expectRefusal(await alice.client.emit('message:send', { roomId, content: 'x', ttl }), 'ValidationError');
    }
    expect(await say(alice, roomId, 'x', { ttl: 10 })).toMatchObject({ expiresAt: chat.iso(10_000) });
    expect(await say(alice, roomId, 'x', { ttl: 60 })).toMatchObject({ expiresAt: chat.iso(30_000) });
  });
});
