import { AppError } from '../../src/common/app-error';
import { MessageStore } from '../../src/chat/engine/message.store';
import { MembershipFeed } from '../../src/chat/engine/membership-feed';
import type { Member } from '../../src/chat/engine/room';
import { RoomPolicies } from '../../src/chat/engine/room-policy';
import { RoomFeed } from '../../src/chat/engine/room-feed';
import { RoomStore } from '../../src/chat/engine/room.store';
import { FeedFollower } from '../../src/chat/redis/feed-follower';
import { RoomEntry } from '../../src/chat/room-entry';
import { RoomPlaces } from '../../src/chat/room-places';

import { Ids } from '../../src/common/ids';
import { SETTINGS } from '../contract/chat-kit';
import { contents, type Person, say, socketOf, TestNodes, told } from '../nodes/test-nodes';
import { createApp } from '../support/create-app';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';

/** Tests of a service of so many nodes; in memory where there is no Redis. */
function joinedRooms(redis: { readonly url: string } | undefined): void {
  let nodes: TestNodes;
  let alice: Person;
  let bob: Person;
  let roomId: string;
  /** The node that bob is on. */
  const far = redis ? 1 : 0;

  beforeEach(async () => {
    const prefix = uniquePrefix();
    const settings = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: prefix }) };
    const start = () => createApp({ settings });
    nodes = await TestNodes.of(redis ? [start(), start()] : [start()]);
    alice = await nodes.person('alice', 0, 0);
    bob = await nodes.person('bob', far, far);
    roomId = await open('room_1');
  });

  afterEach(() => nodes.close());

  async function open(id: string): Promise<string> {
    const [creator, other] = [alice, bob].map(({ id: userId, username }) => ({ userId, username })) as [Member, Member];
    const feed = nodes.get(0, MembershipFeed);
    const limits = nodes.get(0, RoomPolicies).memberships;
    const room = {
      id,
      type: 'private',
      epoch: nodes.get(0, Ids).id(),
      creator,
      name: 'Room',
      description: null,
    } as const;
    await feed.create({ ...room, settings: SETTINGS, createdAt: Date.now() }, limits);
    await feed.change({ roomId: id, actor: creator, kind: 'invite', target: other }, limits);
    await feed.change({ roomId: id, actor: other, kind: 'join' }, limits);
    return id;
  }

  /** How many sockets of bob are in the room. */
  const bobs = (): number =>
    nodes
      .get(far, RoomPlaces)
      .of(roomId)
      .filter(({ socket }) => socket.data.identity.userId === bob.id).length;
  const here = (): Promise<string[]> => Promise.resolve(nodes.get(0, RoomStore).activeUsers(roomId));
  const texts = (person: Person, tab: number): unknown[] => contents(socketOf(person, tab), roomId);
  const settled = (): Promise<void[]> =>
    Promise.all([...alice.clients, ...bob.clients].map((client) => client.settle()));
  /** Everything that was said before has been told to whom it is for. */
  const allTold = async (): Promise<void> => {
    await say(socketOf(alice), roomId, 'last');
    await until(() => texts(alice, 0).includes('last'));
    if (bobs() > 0) {
      await until(() => [0, 1].some((tab) => texts(bob, tab).includes('last')));
    }
    await settled();
  };

  it('are heard by the sockets that joined, and by no other', async () => {
    expect(await socketOf(alice).emit('room:join', { roomId })).toMatchObject({ success: true, lastSeq: 2 });
    expect(await socketOf(bob).emit('room:join', { roomId })).toMatchObject({ activeUsers: [alice.id, bob.id] });
    await say(socketOf(alice), roomId, 'hello');
    await allTold();
    expect([texts(alice, 0), texts(bob, 0)]).toEqual([
      ['hello', 'last'],
      ['hello', 'last'],
    ]);
    expect([texts(alice, 1), texts(bob, 1)]).toEqual([[], []]);
    expect(told(socketOf(bob, 1), 'user:joined', roomId)).toEqual([]);
    await socketOf(bob).emit('typing:start', { roomId });
    await socketOf(alice).next('typing:indicator');
    await settled();
    expect([...bob.clients, socketOf(alice, 1)].flatMap((client) => client.all('typing:indicator'))).toEqual([]);
  });

  it('tell what waits in the ack of a join alone', async () => {
    await socketOf(alice).emit('room:join', { roomId });
    await say(socketOf(alice), roomId, 'waits');
    const ack = await socketOf(bob).emit('room:join', { roomId });
    expect(ack.messages).toEqual(
      expect.arrayContaining([expect.objectContaining({ content: 'waits', status: 'sent' })]),
    );
    await allTold();
    expect(texts(bob, 0)).toEqual(['last']);
  });

  it('are heard by a socket from its first send on', async () => {
    await say(socketOf(bob), roomId, 'before');
    await say(socketOf(alice), roomId, 'mine');
    await until(() => texts(alice, 0).length === 1 && texts(bob, 0).length === 2);
    expect([texts(alice, 0), texts(bob, 0)]).toEqual([['mine'], ['before', 'mine']]);
    expect((await here()).sort()).toEqual([alice.id, bob.id].sort());
  });

  it('are heard no more after a leave or the end of the socket, nor followed then', async () => {
    await socketOf(bob).emit('room:join', { roomId });
    await socketOf(bob, 1).emit('room:join', { roomId });
    expect(bobs()).toBe(2);
    await socketOf(bob).emit('room:leave', { roomId });
    await allTold();
    expect([texts(bob, 0), texts(bob, 1)]).toEqual([[], ['last']]);
    socketOf(bob, 1).close();
    await until(() => bobs() === 0);
    await until(async () => !(await here()).includes(bob.id));
    if (redis) {
      expect(nodes.get(far, FeedFollower).size).toBe(0);
    }
  });

  it('are not heard by a socket whose join failed, of what came meanwhile neither', async () => {
    await socketOf(alice).emit('room:join', { roomId });
    const store = nodes.get(far, MessageStore);
    jest.spyOn(store, 'snapshot').mockImplementationOnce(async () => {
      await say(socketOf(alice), roomId, 'meanwhile');
      await say(socketOf(alice), roomId, 'next');
      throw new AppError('CapacityError', 'Not now');
    });
    expect(await socketOf(bob).emit('room:join', { roomId })).toMatchObject({ code: 'CapacityError' });
    await allTold();
    expect(texts(bob, 0)).toEqual([]);
    expect(told(socketOf(bob), 'user:joined', roomId)).toEqual([]);
    expect(bobs()).toBe(0);
    await until(async () => !(await here()).includes(bob.id));
  });

  it('go on for a socket whose second join failed', async () => {
    await socketOf(bob).emit('room:join', { roomId });
    const store = nodes.get(far, MessageStore);
    jest.spyOn(store, 'snapshot').mockImplementationOnce(async () => {
      await say(socketOf(alice), roomId, 'meanwhile');
      throw new AppError('CapacityError', 'Not now');
    });
    expect(await socketOf(bob).emit('room:join', { roomId })).toMatchObject({ code: 'CapacityError' });
    await allTold();
    expect(texts(bob, 0)).toEqual(['meanwhile', 'last']);
  });

  it('are heard no more by a user who was taken out, on any socket', async () => {
    for (const client of [socketOf(alice), ...bob.clients]) {
      await client.emit('room:join', { roomId });
    }
    nodes.get(far, RoomEntry).remove(bob.id, roomId);
    await say(socketOf(alice), roomId, 'after');
    await allTold();
    expect([texts(bob, 0), texts(bob, 1)]).toEqual([[], []]);
    expect(bobs()).toBe(0);
    await until(async () => (await here()).join() === alice.id);
  });

  it('are not joined by a user who is taken out meanwhile', async () => {
    await socketOf(alice).emit('room:join', { roomId });
    const store = nodes.get(far, MessageStore);
    const read = store.snapshot.bind(store);
    jest.spyOn(store, 'snapshot').mockImplementationOnce(async (...args) => {
      const snapshot = await read(...args);
      await say(socketOf(alice), roomId, 'before');
      nodes.get(far, RoomEntry).remove(bob.id, roomId);
      await say(socketOf(alice), roomId, 'after');
      return snapshot;
    });
    expect(await socketOf(bob).emit('room:join', { roomId })).toMatchObject({ success: false, code: 'ConflictError' });
    await allTold();
    expect(texts(bob, 0)).toEqual([]);
    await until(async () => (await here()).join() === alice.id);
  });

  it('are not joined by a socket that is gone meanwhile', async () => {
    const store = nodes.get(far, MessageStore);
    const read = store.snapshot.bind(store);
    let over = false;
    jest.spyOn(store, 'snapshot').mockImplementationOnce(async (...args) => {
      socketOf(bob).close();
      await until(() => bobs() === 0);
      const snapshot = await read(...args);
      over = true;
      return snapshot;
    });
    socketOf(bob).socket.emit('room:join', { roomId });
    await until(() => over);
    await until(async () => (await here()).length === 0);
    expect(bobs()).toBe(0);
  });

  it('are left by the sockets of a room that was closed, but not by those that joined the next one', async () => {
    for (const client of [socketOf(alice), socketOf(bob)]) {
      await client.emit('room:join', { roomId });
    }
    await nodes.get(0, RoomFeed).close(roomId, 'deleted');
    await Promise.all([alice, bob].map((person) => socketOf(person).next('room:closed')));
    expect(bobs()).toBe(0);
    await open(roomId);
    await socketOf(bob, 1).emit('room:join', { roomId });
    await say(socketOf(alice, 1), roomId, 'anew');
    await socketOf(bob, 1).next('message:new');
    await settled();
    expect([texts(alice, 0), texts(bob, 0), texts(alice, 1), texts(bob, 1)]).toEqual([[], [], ['anew'], ['anew']]);
  });

  it('have exactly their sockets come back where events were missed', async () => {
    const other = await open('room_2');
    await socketOf(bob).emit('room:join', { roomId });
    await socketOf(bob, 1).emit('room:join', { roomId: other });
    nodes.get(far, RoomEntry).missed(roomId);
    expect(await socketOf(bob).closed()).toBe('transport close');
    await socketOf(bob, 1).settle();
    expect(socketOf(bob, 1).socket.connected).toBe(true);
  });

  it('are none for those who are no members', async () => {
    const carol = await nodes.person('carol', 0);
    await socketOf(alice).emit('room:join', { roomId });
    expect(await socketOf(carol).emit('room:join', { roomId })).toMatchObject({ code: 'NotFoundError' });
    expect(await socketOf(carol).emit('message:send', { roomId, content: 'x' })).toMatchObject({
      code: 'NotFoundError',
    });
    await say(socketOf(alice), roomId, 'hello');
    await socketOf(carol).settle();
    expect(contents(socketOf(carol), roomId)).toEqual([]);
    expect(nodes.get(0, RoomPlaces).of(roomId)).toHaveLength(1);
  });
}

describe('Rooms heard by joining, in memory', () => joinedRooms(undefined));

describeRedis('Rooms heard by joining, on two nodes', (server) => joinedRooms(server));
