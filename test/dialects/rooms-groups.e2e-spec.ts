import { contents, type Person, say, socketOf, TestNodes, told } from '../nodes/test-nodes';
import type { AckBody, TestClient } from '../support/clients';
import { createApp } from '../support/create-app';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';

/** How soon somebody is out, everywhere (guarantees). */
const SOON_MS = 1000;

/** A moderated room with people in `/` and in `/rooms`, on two nodes; in memory, on one, where there is no Redis. */
function groups(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  /** The admin, in `/`. */
  let alice: Person;
  /** In `/rooms`, where there are two nodes on the other. */
  let bob: Person;
  /** In `/rooms` on the node of Alice. */
  let carol: Person;
  let inRooms: TestClient;
  let other: TestClient;
  let roomId: string;
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    const settings = { ...shared, PRESENCE_GRACE_MS: '100' };
    nodes = await TestNodes.of(Array.from({ length: far + 1 }, () => createApp({ settings })));
    alice = await nodes.person('alice', 0);
    [bob, carol] = [await nodes.person('bob'), await nodes.person('carol')];
    const { body } = await nodes
      .api(alice, 0, 'post', 'chat/rooms')
      .send({ type: 'public', name: 'Gardening', settings: { moderationEnabled: true } })
      .expect(201);
    roomId = body.roomId as string;
    [inRooms, other] = [await nodes.connect(bob, far, '/rooms'), await nodes.connect(carol, 0, '/rooms')];
    for (const client of [inRooms, other]) {
      expect(await client.emit('join-rooms')).toEqual({ success: true, rooms: [] });
    }
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
    await nodes.api(carol, 0, 'post', `chat/rooms/${roomId}/join`).expect(200);
    expect(await socketOf(alice).emit('room:join', { roomId })).toMatchObject({ success: true });
    await until(async () => (await ready(inRooms)) && (await ready(other)));
    [inRooms, other].forEach(({ received }) => received.splice(0));
  });

  afterEach(() => nodes.close());

  const send = (client: TestClient, content: string, more: object = {}): Promise<AckBody> =>
    client.emit('send-message', { roomId, content, ...more });
  const texts = (client: TestClient): unknown[] => told(client, 'new-message', roomId).map(({ content }) => content);
  const act = (method: 'put' | 'delete', rest: string, body: object = {}) =>
    nodes.api(alice, 0, method, `chat/rooms/${roomId}/${rest}`).send(body).expect(204);

  /** Whether a client in `/rooms` hears the room that its user has joined by REST. */
  async function ready(client: TestClient): Promise<boolean> {
    const { messageId } = await say(socketOf(alice), roomId, 'heard?');
    await client.settle();
    return client.all('new-message').some(({ _id }) => _id === messageId);
  }

  async function isOut(client: TestClient): Promise<void> {
    const heard = client.received.length;
    await say(socketOf(alice), roomId, 'not for all');
    await until(() => texts(other).includes('not for all'));
    await client.settle();
    expect(client.received.slice(heard)).toEqual([]);
    expect(await send(client, 'x')).toMatchObject({ success: false, code: 'AuthorizationError' });
    expect(await client.emit('typing-start', { roomId })).toMatchObject({ success: false });
    expect(await client.emit('join-rooms')).toEqual({ success: true, rooms: [] });
    await say(socketOf(alice), roomId, 'nor this');
    await until(() => texts(other).includes('nor this'));
    await client.settle();
    expect(client.received.slice(heard)).toEqual([]);
  }

  it('is heard in both namespaces in the same order, once, from the moment that it is joined by REST', async () => {
    for (let i = 0; i < 10; i++) {
      await say(socketOf(alice), roomId, `alice ${i}`);
      expect(await send(inRooms, `bob ${i}`)).toMatchObject({ success: true });
      expect(await send(other, `carol ${i}`)).toMatchObject({ success: true });
    }
    await until(() => [inRooms, other].every((client) => texts(client).length >= 30));
    await until(() => contents(socketOf(alice), roomId).includes('carol 9'));
    const native = contents(socketOf(alice), roomId).slice(-30);
    expect(texts(inRooms)).toEqual(native);
    expect(texts(other)).toEqual(native);
    expect(new Set(native).size).toBe(30);
    expect(await inRooms.emit('join-rooms')).toMatchObject({ rooms: [{ roomId, epoch: expect.any(String) }] });
  });

  it('tells typing of one to all others, and presence to who is in it', async () => {
    await inRooms.emit('typing-start', { roomId });
    await socketOf(alice).next('typing:indicator', ({ userId }) => userId === bob.id);
    expect(await other.next('user-typing')).toEqual({ roomId, userId: bob.id, username: bob.username });
    await socketOf(alice).emit('typing:start', { roomId });
    await inRooms.next('user-typing', ({ userId }) => userId === alice.id);
    expect(inRooms.all('user-typing').map(({ userId }) => userId)).toEqual([alice.id]);
    inRooms.close();
    expect(await other.next('user-presence-update')).toMatchObject({ userId: bob.id, status: 'offline' });
    expect(await other.next('user-stopped-typing', ({ userId }) => userId === bob.id)).toBeDefined();
  });

  it('that somebody is kicked from is heard by them no more, and again when they come back', async () => {
    const from = performance.now();
    await act('delete', `members/${bob.id}`);
    expect(await inRooms.next('room-kicked')).toEqual({ roomId, reason: 'kicked' });
    expect(performance.now() - from).toBeLessThan(SOON_MS);
    await isOut(inRooms);
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
    await until(() => ready(inRooms));
  });

  it('that somebody is banned from is closed to them until that is lifted', async () => {
    await act('put', `bans/${bob.id}`, { reason: 'rude' });
    expect(await inRooms.next('room-kicked')).toEqual({ roomId, reason: 'rude' });
    await isOut(inRooms);
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(403);
    await act('delete', `bans/${bob.id}`);
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/join`).expect(200);
    await until(() => ready(inRooms));
  });

  it('that somebody is muted in is read, not written', async () => {
    await act('put', `mutes/${bob.id}`, { minutes: 5 });
    expect(await send(inRooms, 'x')).toMatchObject({ success: false, code: 'AuthorizationError' });
    await say(socketOf(alice), roomId, 'read this');
    await inRooms.next('new-message', ({ content }) => content === 'read this');
  });

  it('has messages that are answered, edited, deleted and reacted to in either, and told in both', async () => {
    const native = socketOf(alice);
    const everyone = [inRooms, other];
    const asked = await send(inRooms, 'When?');
    const { messageId: replyId } = await say(native, roomId, 'At eight', { replyTo: asked.messageId });
    const quote = { id: asked.messageId, senderId: bob.id, senderUsername: bob.username, preview: 'When?' };
    for (const client of everyone) {
      const told = await client.next('new-message', ({ _id }) => _id === replyId);
      expect(told).toMatchObject({ replyTo: quote, sender: { _id: alice.id } });
    }
    const { messageId } = await send(other, 'Why?', { replyTo: replyId });
    expect(await native.next('message:new', ({ id }) => id === messageId)).toMatchObject({ replyTo: { id: replyId } });

    expect(await native.emit('message:edit', { roomId, messageId: replyId, content: 'At nine' })).toMatchObject({
      success: true,
    });
    for (const client of everyone) {
      const [first] = client.all('new-message').filter(({ _id }) => _id === replyId);
      expect(await client.next('message-edited')).toEqual({ ...first, content: 'At nine' });
    }
    const below = (person: Person, method: 'patch' | 'put' | 'delete', rest: string) =>
      nodes.call(person, far, method, `/rooms/api/chat/rooms/${roomId}/messages/${rest}`);
    await below(bob, 'patch', String(asked.messageId)).send({ content: 'When and where?' }).expect(200);
    expect(await native.next('message:edited', ({ id }) => id === asked.messageId)).toMatchObject({
      content: 'When and where?',
    });
    await below(bob, 'patch', replyId).send({ content: 'x' }).expect(403);

    await below(bob, 'put', `${replyId}/reactions/${encodeURIComponent('👍')}`).expect(204);
    const reaction = { roomId, messageId: replyId, userId: bob.id, emoji: '👍', action: 'added' };
    const reactions = [{ emoji: '👍', count: 1, userIds: [bob.id] }];
    expect(await native.next('message:reaction')).toEqual({ ...reaction, reactions });
    for (const client of everyone) {
      expect(await client.next('message-reaction')).toEqual({ ...reaction, reactions });
    }
    await native.emit('message:react', { roomId, messageId: replyId, emoji: '🎉' });
    await inRooms.next('message-reaction', ({ emoji }) => emoji === '🎉');

    await below(bob, 'delete', replyId).expect(403);
    await below(bob, 'delete', String(asked.messageId)).expect(204);
    expect(await native.next('message:deleted')).toMatchObject({ messageId: asked.messageId, deletedBy: bob.id });
    // By a moderator, in the other namespace.
    expect(await native.emit('message:delete', { roomId, messageId })).toMatchObject({ success: true });
    for (const client of everyone) {
      for (const _id of [asked.messageId, messageId]) {
        expect(await client.next('message-deleted', (told) => told._id === _id)).toEqual({ roomId, _id });
      }
    }
  });

  it('that is left by REST is heard no more; one that is deleted is told', async () => {
    await nodes.api(bob, far, 'post', `chat/rooms/${roomId}/leave`).expect(204);
    await until(async () => !(await ready(inRooms)));
    await nodes.api(alice, 0, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await other.next('room-kicked')).toEqual({ roomId, reason: 'deleted' });
    await inRooms.settle();
    expect(inRooms.all('room-kicked')).toEqual([]);
  });
}

describe('A moderated room in / and in /rooms, in memory', () => groups(undefined));

describeRedis('A moderated room in / and in /rooms, on two nodes', (server) => groups(server));
