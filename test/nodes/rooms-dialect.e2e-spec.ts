import { SessionRegistry } from '../../src/realtime/session-registry';
import type { TestClient } from '../support/clients';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { contents, oneTo, type Person, roomOf, say, socketOf, told, useNodes } from './test-nodes';

const EACH = 30;

describeRedis('The namespace /rooms over two nodes', (server) => {
  const nodes = useNodes(server, 2, { PRESENCE_GRACE_MS: '100' });
  /** In `/` on the first node. */
  let alice: Person;
  /** In `/rooms` on the second. */
  let bob: Person;
  let inRooms: TestClient;
  let roomId: string;

  const join = async (client: TestClient) => {
    const ack = await client.emit('join-rooms');
    expect(ack).toMatchObject({ success: true });
    return ack;
  };

  beforeEach(async () => {
    alice = await nodes().person('alice', 0);
    bob = await nodes().person('bob');
    inRooms = await nodes().connect(bob, 1, '/rooms');
    roomId = roomOf(alice, bob);
    await join(inRooms);
  });

  it('brings the same messages in the same order as /, once, from a room that is opened later', async () => {
    const native = socketOf(alice);
    await Promise.all([
      ...oneTo(EACH).map((n) => say(native, roomId, `a${n}`)),
      ...oneTo(EACH).map((n) => inRooms.emit('send-message', { roomId, content: `b${n}` })),
    ]);
    await until(() => contents(native, roomId).length >= 2 * EACH && inRooms.all('new-message').length >= 2 * EACH);
    await Promise.all([native.settle(), inRooms.settle()]);
    expect(inRooms.all('new-message').map(({ content }) => content)).toEqual(contents(native, roomId));
    expect(new Set(contents(native, roomId)).size).toBe(2 * EACH);
    await native.next('user:joined', ({ userId }) => userId === bob.id);
  });

  it('tells typing, expiry, presence and the end of a room across both', async () => {
    const native = socketOf(alice);
    const { messageId } = await say(native, roomId, 'short', { ttl: 1 });
    await native.emit('typing:start', { roomId });
    await inRooms.next('user-typing', ({ userId }) => userId === alice.id);
    await inRooms.emit('typing-start', { roomId });
    await native.next('typing:indicator', ({ userId }) => userId === bob.id);
    for (const [client, event] of [
      [native, 'message:expired'],
      [inRooms, 'message-expired'],
    ] as const) {
      expect(await client.next(event)).toEqual({ roomId, messageIds: [messageId], reason: 'expired' });
    }
    native.close();
    expect(await inRooms.next('user-presence-update')).toMatchObject({ userId: alice.id, status: 'offline' });
    const back = await nodes().connect(alice, 0);
    await inRooms.next('user-presence-update', ({ status }) => status === 'online');
    await nodes().api(alice, 0, 'delete', `chat/rooms/${roomId}`).expect(204);
    expect(await inRooms.next('room-kicked')).toEqual({ roomId, reason: 'deleted' });
    await back.settle();
    expect(told(inRooms, 'message-expired', roomId)).toHaveLength(1);
  });

  it('counts sockets of both namespaces, and ends them together', async () => {
    await nodes().connect(bob, 0);
    await say(socketOf(alice), roomId, 'hello');
    await inRooms.next('new-message');
    await nodes().api(bob, 0, 'post', 'auth/logout').expect(204);
    expect(await inRooms.closed()).toBe('io server disconnect');
    await until(() => [0, 1].every((node) => nodes().get(node, SessionRegistry).count(bob.id) === 0));
    await socketOf(alice).next('user:offline', ({ userId }) => userId === bob.id);
  });

  it('tells it on the other node of who comes back there what came meanwhile', async () => {
    const native = socketOf(alice);
    await say(native, roomId, 'one');
    await inRooms.next('new-message');
    inRooms.close();
    const { seq } = await say(native, roomId, 'two');
    const back = await nodes().connect(bob, 0, '/rooms');
    expect(await join(back)).toMatchObject({ rooms: [{ roomId, lastSeq: seq, unreadCount: 2 }] });
    await say(native, roomId, 'three');
    await back.next('new-message', ({ content }) => content === 'three');
    expect(back.all('new-message')).toHaveLength(1);
  });
});
