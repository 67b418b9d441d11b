import request from 'supertest';
import { SenderAvatars } from '../../src/chat/dialects/rooms/sender-avatars';
import { ChatApp, expectRefusal, type Person, roomOf, say } from '../support/chat-app';
import type { AckBody, TestClient } from '../support/clients';
import { loadImage, uploadImage } from '../support/chat-images';
import { picture } from '../support/pictures';

const NAMESPACE = '/rooms';
const GRACE_MS = 2000;

let chat: ChatApp;
/** In `/`. */
let alice: Person;
/** In `/rooms`. */
let bob: Person;
/** In `/rooms`, in no room of theirs. */
let carol: Person;
let roomId: string;

async function inRooms(name: string): Promise<Person> {
  const account = await chat.register(name);
  return { ...account, client: await chat.connect(account, undefined, NAMESPACE) };
}

async function joinRooms(client: TestClient): Promise<AckBody & { rooms: Record<string, unknown>[] }> {
  const ack = await client.emit('join-rooms');
  expect(ack).toMatchObject({ success: true });
  return ack as AckBody & { rooms: Record<string, unknown>[] };
}

const send = (client: TestClient, content: string, more: object = {}): Promise<AckBody> =>
  client.emit('send-message', { roomId, content, ...more });

const events = ({ received }: TestClient): string[] => received.map(({ event }) => event);
const texts = (client: TestClient, event: string): unknown[] => client.all(event).map(({ content }) => content);

beforeEach(async () => {
  chat = await ChatApp.start({ PRESENCE_GRACE_MS: `${GRACE_MS}`, TYPING_TIMEOUT_MS: '3000' });
  [alice, bob, carol] = [await chat.person('alice'), await inRooms('bob'), await inRooms('carol')];
  roomId = roomOf(alice, bob);
  await joinRooms(carol.client);
});

afterEach(() => chat.close());

describe('join-rooms', () => {
  it('joins all rooms of the caller, says which, and only then do they come', async () => {
    const { seq } = await say(alice, roomId, 'before');
    await bob.client.settle();
    expect(events(bob.client)).toEqual([]);
    const { epoch } = await alice.client.emit('room:join', { roomId });
    expect(await joinRooms(bob.client)).toEqual({
      success: true,
      rooms: [{ roomId, lastSeq: seq, epoch, unreadCount: 1 }],
    });
    expect(await alice.client.next('user:joined', ({ userId }) => userId === bob.id)).toMatchObject({ roomId });
    await say(alice, roomId, 'after');
    expect(await bob.client.next('new-message')).toMatchObject({ content: 'after' });
    await carol.client.settle();
    expect(events(carol.client)).toEqual([]);
  });

  it('is of every room that is opened later too, and again of no effect', async () => {
    for (let i = 0; i < 3; i++) {
      expect((await joinRooms(bob.client)).rooms).toEqual([]);
    }
    await say(alice, roomId, 'first');
    await carol.client.emit('send-message', { roomId: roomOf(bob, carol), content: 'second' });
    await bob.client.next('new-message', ({ content }) => content === 'second');
    expect(texts(bob.client, 'new-message')).toEqual(['first', 'second']);
    expect((await joinRooms(bob.client)).rooms.map((room) => room.roomId).sort()).toEqual(
      [roomId, roomOf(bob, carol)].sort(),
    );
    await say(alice, roomId, 'third');
    await bob.client.next('new-message', ({ content }) => content === 'third');
    await bob.client.settle();
    expect(texts(bob.client, 'new-message')).toEqual(['first', 'second', 'third']);
  });

  it('takes no payload, or any', async () => {
    for (const payload of [null, {}, 'x', [1], 7]) {
      expect(await bob.client.emit('join-rooms', payload)).toEqual({ success: true, rooms: [] });
    }
  });

  it('is for accounts', async () => {
    const guest = await chat.connect(await chat.guest(), undefined, NAMESPACE);
    expectRefusal(await guest.emit('join-rooms'), 'AuthorizationError');
  });
});

describe('a message', () => {
  beforeEach(() => joinRooms(bob.client));

  it('of / is told in /rooms, in its own words', async () => {
    const { messageId, timestamp, expiresAt } = await say(alice, roomId, 'hello', { ttl: 60 });
    expect(await bob.client.next('new-message')).toEqual({
      _id: messageId,
      roomId,
      sender: { _id: alice.id, username: alice.username, avatar: null },
      content: 'hello',
      type: 'text',
      timestamp,
      expiresAt,
    });
    await bob.client.settle();
    expect(events(bob.client)).toEqual(['new-message']);
  });

  it('of /rooms is told in both, to the sender’s sockets too, and to nobody else', async () => {
    const [bob2, bob3] = [await chat.connect(bob), await chat.connect(bob, undefined, NAMESPACE)];
    await joinRooms(bob3);
    const sent = await send(bob.client, 'hello', { ttl: 60, clientId: 'c' });
    expect(sent).toMatchObject({ success: true, seq: 1, expiresAt: chat.iso(60_000) });
    expect(await alice.client.next('message:new')).toMatchObject({ id: sent.messageId, seq: 1, content: 'hello' });
    expect(await bob2.next('message:new')).toMatchObject({ id: sent.messageId, senderId: bob.id });
    for (const client of [bob.client, bob3]) {
      expect(await client.next('new-message')).toMatchObject({ _id: sent.messageId, sender: { _id: bob.id } });
    }
    await carol.client.settle();
    expect(events(carol.client)).toEqual([]);
  });

  it('of either is told in order, and once', async () => {
    const both = await chat.connect(alice, undefined, NAMESPACE);
    await joinRooms(both);
    const contents = Array.from({ length: 30 }, (_, i) => `${i}`);
    for (const [i, content] of contents.entries()) {
      await (i % 2 === 0 ? say(alice, roomId, content) : send(bob.client, content));
    }
    await Promise.all([both.settle(), bob.client.settle(), alice.client.settle()]);
    expect(texts(alice.client, 'message:new')).toEqual(contents);
    expect(texts(bob.client, 'new-message')).toEqual(contents);
    expect(texts(both, 'new-message')).toEqual(contents);
  });

  it('reaches a sender who has joined nothing', async () => {
    const silent = await chat.connect(alice, undefined, NAMESPACE);
    await send(silent, 'one');
    expect(await silent.next('new-message')).toMatchObject({ content: 'one' });
    await send(bob.client, 'two');
    expect(await silent.next('new-message', ({ content }) => content === 'two')).toBeDefined();
  });

  it('expires in both at once', async () => {
    const { messageId } = await say(alice, roomId, 'short', { ttl: 5 });
    await chat.pass(5000);
    const told = { roomId, messageIds: [messageId], reason: 'expired' };
    expect(await bob.client.next('message-expired')).toEqual(told);
    expect(await alice.client.next('message:expired')).toEqual(told);
  });

  it('that burns after reading is concealed in both, revealed in either, once', async () => {
    const bob2 = await chat.connect(bob);
    for (const how of [{ burn: true }, { ttl: 0 }]) {
      const { messageId } = await say(alice, roomId, 'needle', how);
      const concealed = await bob.client.next('new-message', ({ _id }) => _id === messageId);
      expect(concealed).toMatchObject({ concealed: true, type: 'text', sender: { _id: alice.id } });
      expect(concealed).not.toHaveProperty('content');
      const payload = { roomId, messageId, revealId: 'r' };
      const revealed = await bob.client.emit('reveal-message', payload);
      const { concealed: _, ...rest } = concealed;
      expect(revealed).toEqual({
        success: true,
        message: { ...rest, content: 'needle', expiresAt: expect.any(String) },
        expiresAt: chat.iso(30_000),
      });
      expect(await bob.client.emit('reveal-message', payload)).toEqual(revealed);
      expect(await bob2.emit('message:reveal', payload)).toMatchObject({ success: true });
      expectRefusal(await bob2.emit('message:reveal', { roomId, messageId }), 'ConflictError');
      await chat.pass(30_000);
      const told = { roomId, messageIds: [messageId], reason: 'burned' };
      const one = ({ messageIds }: Record<string, unknown>): boolean => (messageIds as string[]).includes(messageId);
      expect(await bob.client.next('message-expired', one)).toEqual(told);
      expect(await alice.client.next('message:expired', one)).toEqual(told);
    }
    const { messageId } = await send(bob.client, 'own', { burn: true });
    expect(await bob.client.next('new-message', ({ _id }) => _id === messageId)).toMatchObject({ content: 'own' });
    expectRefusal(await bob.client.emit('reveal-message', { roomId, messageId }), 'AuthorizationError');
    expectRefusal(await carol.client.emit('reveal-message', { roomId, messageId }), 'NotFoundError');
    await alice.client.settle();
    expect(JSON.stringify(alice.client.received)).not.toContain('own"');
    await carol.client.settle();
    expect(events(carol.client)).toEqual([]);
  });

  it('with a picture of either shows it in both, by a link', async () => {
    const { imageUrl } = await uploadImage(chat.url, bob);
    const { messageId } = await send(bob.client, 'look', { imageUrl });
    expect(await alice.client.next('message:new')).toMatchObject({ id: messageId, type: 'image' });
    const told = await bob.client.next('new-message');
    expect(told).toMatchObject({ _id: messageId, type: 'image', content: 'look', fileUrl: expect.any(String) });
    expect(await loadImage(chat.url, told.fileUrl)).toBe(200);
    const { imageUrl: another } = await uploadImage(chat.url, alice);
    const burning = await say(alice, roomId, 'look', { imageUrl: another, burn: true });
    const concealed = await bob.client.next('new-message', ({ _id }) => _id === burning.messageId);
    expect(concealed).not.toHaveProperty('fileUrl');
    const { message } = await bob.client.emit('reveal-message', { roomId, messageId: burning.messageId });
    expect(await loadImage(chat.url, (message as { fileUrl: string }).fileUrl)).toBe(200);
  });

  it('shows the picture of its sender', async () => {
    const put = chat.api(alice, 'put', 'users/me/avatar');
    const { body } = await put.attach('image', await picture(8, 8).png().toBuffer(), 'me.png').expect(200);
    await say(alice, roomId, 'hello');
    const { sender } = await bob.client.next('new-message');
    const [before, after] = [body.avatarUrl as string, (sender as { avatar: string }).avatar];
    expect(new URL(after).pathname).toBe(new URL(before).pathname);
    const { pathname, search } = new URL(after);
    await request(chat.url)
      .get(pathname + search)
      .expect(200);
  });

  describe('whose sender is looked up', () => {
    let found: ((avatar: null) => void)[];

    beforeEach(() => {
      found = [];
      const wait = (): Promise<null> => new Promise((resolve) => found.push(resolve));
      jest.spyOn(chat.get(SenderAvatars), 'of').mockImplementation(wait);
    });

    const lookedUp = async (): Promise<void> => {
      found.splice(0).forEach((resolve) => resolve(null));
      await new Promise(setImmediate);
    };

    it('is told in its place, behind those that wait already', async () => {
      await say(alice, roomId, 'one');
      await say(alice, roomId, 'two');
      await bob.client.settle();
      expect(texts(bob.client, 'new-message')).toEqual([]);
      await lookedUp();
      await say(alice, roomId, 'three');
      for (let waiting = 0; waiting < 2; waiting++) {
        await lookedUp();
      }
      await bob.client.next('new-message', ({ content }) => content === 'three');
      expect(texts(bob.client, 'new-message')).toEqual(['one', 'two', 'three']);
    });

    it('is not told any more once its deadline has come', async () => {
      chat.stopSweeping();
      await say(alice, roomId, 'short', { ttl: 1 });
      await say(alice, roomId, 'long', { ttl: 60 });
      chat.clock.advance(1000);
      await lookedUp();
      await lookedUp();
      expect(await bob.client.next('new-message')).toMatchObject({ content: 'long' });
      await bob.client.settle();
      expect(texts(bob.client, 'new-message')).toEqual(['long']);
    });

    it('is not told any more once it was deleted, was swept, or its room was wiped; what stands is, before that', async () => {
      const { messageId } = await say(alice, roomId, 'deleted');
      await say(alice, roomId, 'one');
      expect(await alice.client.emit('message:delete', { roomId, messageId })).toEqual({ success: true });
      const { messageId: short } = await say(alice, roomId, 'swept', { ttl: 1 });
      await say(alice, roomId, 'two');
      await chat.pass(1000);
      await say(alice, roomId, 'wiped');
      await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
      await lookedUp();
      await bob.client.next('room-kicked');
      await bob.client.settle();
      const told = bob.client.received.filter(({ event }) => event !== 'user-presence-update');
      expect(told.map(({ event, payload }) => [event, payload.content ?? payload._id ?? payload.messageIds])).toEqual([
        ['new-message', 'one'],
        ['message-deleted', messageId],
        ['new-message', 'two'],
        ['message-expired', [short]],
        ['room-kicked', undefined],
      ]);
    });
  });

  it('that does not go is refused, by ack or by the event error, and reaches nobody', async () => {
    expectRefusal(await send(bob.client, ''), 'ValidationError');
    expectRefusal(await send(carol.client, 'not mine'), 'NotFoundError');
    carol.client.socket.emit('send-message', { roomId, content: 'not mine' });
    expect(await carol.client.next('error')).toEqual({
      message: expect.any(String),
      code: 'NotFoundError',
      event: 'send-message',
    });
    await Promise.all([alice.client.settle(), bob.client.settle()]);
    expect(texts(alice.client, 'message:new')).toEqual([]);
    expect(events(bob.client)).toEqual([]);
  });

  it('is had by REST below /rooms, for who was away', async () => {
    bob.client.close();
    await say(alice, roomId, 'missed');
    const { body } = await chat.below(NAMESPACE, bob, 'get', `chat/rooms/${roomId}/messages`).expect(200);
    expect(body.messages).toMatchObject([{ content: 'missed' }]);
    const back = await chat.connect(bob, undefined, NAMESPACE);
    expect((await joinRooms(back)).rooms).toMatchObject([{ roomId, lastSeq: 1, unreadCount: 1 }]);
    await chat
      .below(NAMESPACE, alice, 'post', `chat/rooms/${roomId}/messages`)
      .send({ content: 'by REST' })
      .expect(201);
    await back.next('new-message', ({ content }) => content === 'by REST');
    expect(texts(back, 'new-message')).toEqual(['by REST']);
  });
});

describe('typing', () => {
  beforeEach(async () => {
    await say(alice, roomId, 'hello');
    await joinRooms(bob.client);
  });

  it('is told from / to /rooms, and never to the typist', async () => {
    const own = await chat.connect(alice, undefined, NAMESPACE);
    await joinRooms(own);
    await alice.client.emit('typing:start', { roomId });
    expect(await bob.client.next('user-typing')).toEqual({ roomId, userId: alice.id, username: alice.username });
    await alice.client.emit('typing:stop', { roomId });
    expect(await bob.client.next('user-stopped-typing')).toEqual({ roomId, userId: alice.id });
    await Promise.all([own.settle(), carol.client.settle()]);
    expect([...events(own), ...events(carol.client)]).toEqual([]);
  });

  it('is told from /rooms to /, and ends with a stop, a send, the timeout and the end of the socket', async () => {
    const marks = async (): Promise<unknown[]> => {
      await alice.client.settle();
      return alice.client
        .all('typing:indicator')
        .splice(0)
        .map(({ isTyping, userId }) => userId === bob.id && isTyping);
    };
    expect(await bob.client.emit('typing-start', { roomId })).toEqual({ success: true });
    await bob.client.emit('typing-start', { roomId });
    expect(await bob.client.emit('typing-stop', { roomId })).toEqual({ success: true });
    expect(await marks()).toEqual([true, false]);
    await bob.client.emit('typing-start', { roomId });
    await send(bob.client, 'done');
    await bob.client.emit('typing-start', { roomId });
    await chat.pass(3000);
    await bob.client.emit('typing-start', { roomId });
    await chat.leave(bob.client);
    expect(await marks()).toEqual([true, false, true, false, true, false, true, false]);
  });

  it('is refused where one is no member; a stop has no effect there', async () => {
    expectRefusal(await carol.client.emit('typing-start', { roomId }), 'NotFoundError');
    expect(await carol.client.emit('typing-stop', { roomId })).toEqual({ success: true });
    expectRefusal(await bob.client.emit('typing-start', {}), 'ValidationError');
  });
});

describe('presence', () => {
  it('is of users, whatever the namespaces of their sockets', async () => {
    expect(await alice.client.next('user:online', ({ userId }) => userId === bob.id)).toBeDefined();
    await say(alice, roomId, 'hello');
    await joinRooms(bob.client);
    const second = await chat.connect(alice, undefined, NAMESPACE);
    await chat.leave(alice.client);
    await chat.pass(10 * GRACE_MS);
    await bob.client.settle();
    expect(events(bob.client)).toEqual([]);
    const goneAt = chat.iso();
    await chat.leave(second);
    await chat.pass(GRACE_MS);
    expect(await bob.client.next('user-presence-update')).toEqual({
      userId: alice.id,
      status: 'offline',
      lastSeen: goneAt,
    });
    const back = await chat.connect(alice, undefined, NAMESPACE);
    expect(await bob.client.next('user-presence-update', ({ status }) => status === 'online')).toEqual({
      userId: alice.id,
      status: 'online',
      lastSeen: chat.iso(),
    });
    await Promise.all([back.settle(), carol.client.settle()]);
    expect([...events(back), ...events(carol.client)]).toEqual([]);
  });

  it('of who is in /rooms alone is told in /', async () => {
    await chat.leave(bob.client);
    await chat.pass(GRACE_MS);
    expect(await alice.client.next('user:offline')).toMatchObject({ userId: bob.id, username: bob.username });
    const { body } = await chat.api(alice, 'get', 'users/online');
    expect(body.data.count).toBe(2);
  });
});

describe('a direct room', () => {
  const stands = async (): Promise<boolean> =>
    (await chat.api(alice, 'get', `chat/rooms/${roomId}/messages`)).status === 200;

  it('is not wiped while one of the two is in /rooms, and a grace after they have gone', async () => {
    await say(alice, roomId, 'hello');
    await chat.below(NAMESPACE, bob, 'post', `chat/rooms/${roomId}/read`).send({ upToSeq: 1 }).expect(204);
    await alice.client.emit('room:leave', { roomId });
    await chat.pass(100_000);
    expect(await stands()).toBe(true);
    await chat.leave(bob.client);
    await chat.pass(30_000);
    expect(await stands()).toBe(false);
  });

  it('that somebody deletes, or whose member is erased, is told as left', async () => {
    await say(alice, roomId, 'hello');
    await joinRooms(bob.client);
    await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await bob.client.next('room-kicked')).toEqual({ roomId, reason: 'deleted' });
    await say(alice, roomId, 'anew');
    expect(await bob.client.next('new-message')).toMatchObject({ content: 'anew' });
    await chat.api(alice, 'delete', 'users/me').expect(204);
    expect(await bob.client.next('room-kicked', ({ reason }) => reason === 'erased')).toEqual({
      roomId,
      reason: 'erased',
    });
    await carol.client.settle();
    expect(events(carol.client)).toEqual([]);
  });
});

describe('a picture', () => {
  it('comes by a signed link, of a burn message by its reveal only, and can be sent here too', async () => {
    await joinRooms(bob.client);
    const { imageUrl, filename } = await uploadImage(chat.url, alice);
    await say(alice, roomId, '', { imageUrl });
    const told = await bob.client.next('new-message');
    expect(told).toMatchObject({ type: 'image', content: '', fileUrl: expect.stringContaining(filename) });
    expect(await loadImage(chat.url, told.fileUrl)).toBe(200);
    const burning = await say(alice, roomId, '', { imageUrl, burn: true });
    const concealed = await bob.client.next('new-message', ({ _id }) => _id === burning.messageId);
    expect(concealed).toMatchObject({ concealed: true });
    expect(concealed).not.toHaveProperty('fileUrl');
    const { message } = await bob.client.emit('reveal-message', { roomId, messageId: burning.messageId });
    expect(await loadImage(chat.url, (message as { fileUrl: string }).fileUrl)).toBe(200);
    const own = await uploadImage(chat.url, bob);
    expect(await send(bob.client, '', { imageUrl: own.imageUrl })).toMatchObject({ success: true });
    const { imageUrl: shown } = await alice.client.next('message:new', ({ senderId }) => senderId === bob.id);
    expect(await loadImage(chat.url, shown)).toBe(200);
    expectRefusal(await send(bob.client, '', { imageUrl }), 'NotFoundError');
  });
});
