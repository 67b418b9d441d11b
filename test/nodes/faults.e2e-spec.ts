import { setTimeout as sleep } from 'node:timers/promises';
import { BuiltServer, buildWhenNeeded } from '../support/built-server';
import { call, register, TestClient } from '../support/clients';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';
import { contents, roomOf, say, told } from './test-nodes';

const SETTINGS = {
  JWT_SECRET: 'a secret of the fault tests, 32 characters or more',
  BCRYPT_ROUNDS: '4',
  SEED_DEMO_USERS: 'false',
  RATE_LIMIT_PER_SECOND: '10000',
  AUTH_RATE_LIMIT_PER_MINUTE: '10000',
  SOCKET_EVENTS_PER_MINUTE: '1000000',
  SOCKET_EVENTS_BURST: '100000',
  SOCKET_OTHER_EVENTS_PER_MINUTE: '1000000',
};
/** Short, so that an outage is longer. */
const ROOM_GRACE_MS = 3000;
/** A killed node's users are offline by then (accounts.md). */
const OFFLINE_MS = 15_000;
const BUILD_MS = 120_000;

beforeAll(() => buildWhenNeeded(), BUILD_MS);

describeRedis('Nodes that are killed', (redis) => {
  let settings: Record<string, string>;
  let nodes: { server: BuiltServer; url: string }[] = [];
  const clients: TestClient[] = [];

  const start = async (count: number, more: Record<string, string> = {}): Promise<void> => {
    settings = { ...SETTINGS, REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix(), ...more };
    nodes = await Promise.all(Array.from({ length: count }, () => BuiltServer.start(settings)));
  };

  const url = (node: number): string => nodes[node]?.url ?? '';

  const connect = async ({ token }: { token: string }, node: number): Promise<TestClient> => {
    const client = await TestClient.connect(url(node), token);
    clients.push(client);
    return client;
  };

  afterEach(async () => {
    clients.splice(0).forEach((client) => client.close());
    await Promise.all(nodes.splice(0).map(({ server }) => server.stop()));
  });

  it('under load lose nothing that was acked; others take over their users and their expiries', async () => {
    await start(3);
    const [alice, bob, carol] = [
      await register(url(0), 'alice'),
      await register(url(1), 'bob'),
      await register(url(2), 'carol'),
    ];
    const [atFirst, atSecond, atKilled] = [await connect(alice, 0), await connect(bob, 1), await connect(carol, 2)];
    const [withBob, withCarol] = [roomOf(alice, bob), roomOf(alice, carol)];
    const acked = new Map<string, number[]>([
      [withBob, []],
      [withCarol, []],
    ]);
    let over = false;
    /** Sends until it is over, or the connection is; notes what was acked. */
    const flood = async (client: TestClient, roomId: string): Promise<void> => {
      while (!over && client.socket.connected) {
        const ack = await client.emit('message:send', { roomId, content: 'x', ttl: 60 }).catch(() => undefined);
        if (ack?.success) {
          acked.get(roomId)?.push(ack.seq as number);
        }
      }
    };
    const floods = [flood(atFirst, withBob), flood(atSecond, withBob), flood(atKilled, withCarol)];
    // Deadlines in rooms of all nodes: whichever node hands them out, they come.
    const others = await Promise.all(Array.from({ length: 12 }, (_, i) => register(url(i % 2), 'other')));
    const dying = await Promise.all(others.map((other) => say(atFirst, roomOf(alice, other), 'dying', { ttl: 2 })));
    await atKilled.emit('room:join', { roomId: withCarol });
    await sleep(500);
    nodes[2]?.server.kill('SIGKILL');
    const killedAt = performance.now();
    await atFirst.next('message:new', ({ senderId }) => senderId === carol.id);
    const isOffline = (): boolean => atFirst.all('user:offline').some(({ userId }) => userId === carol.id);
    await until(isOffline, OFFLINE_MS);
    expect(performance.now() - killedAt).toBeLessThan(OFFLINE_MS);
    expect(told(atFirst, 'user:left', withCarol)).toHaveLength(1);
    over = true;
    await Promise.all(floods);

    const expired = (): unknown[] => atFirst.all('message:expired').flatMap(({ messageIds }) => messageIds as string[]);
    await until(() => dying.every(({ messageId }) => expired().includes(messageId)));
    for (const [roomId, seqs] of acked) {
      expect(seqs.length).toBeGreaterThan(50);
      await until(() => seqs.every((seq) => told(atFirst, 'message:new', roomId).some((one) => one.seq === seq)));
      const heard = told(atFirst, 'message:new', roomId).map(({ seq }) => seq as number);
      expect(heard).toEqual(Array.from({ length: heard.length }, (_, i) => i + 1));
    }
    const back = await connect(carol, 1);
    const { lastSeq } = await back.emit('room:join', { roomId: withCarol });
    expect(lastSeq).toBeGreaterThanOrEqual(Math.max(...(acked.get(withCarol) ?? [])));
    await atFirst.next('user:online', ({ userId }) => userId === carol.id);
    const { body } = await call(url(0), alice.token, 'get', '/api/users/online').expect(200);
    expect(body.data.count).toBe(3);
  }, 60_000);

  it('all at once take no room along, however long nobody serves', async () => {
    await start(2, { ROOM_EMPTY_GRACE_MS: `${ROOM_GRACE_MS}` });
    const [alice, bob, dave] = [
      await register(url(0), 'alice'),
      await register(url(1), 'bob'),
      await register(url(0), 'dave'),
    ];
    const roomId = roomOf(alice, bob);
    const [first, second] = [await connect(alice, 0), await connect(bob, 1)];
    const joined = await second.emit('room:join', { roomId });
    await say(first, roomId, 'to stay');
    await say(first, roomId, 'to go', { ttl: 1 });
    await second.next('message:new', ({ content }) => content === 'to go');
    // Nothing waits, so that only those who are there keep it.
    await second.emit('message:status', { roomId, upToSeq: 2, status: 'seen' });
    // One that is opened and empty has its grace as well.
    const empty = await call(url(0), alice.token, 'post', '/api/chat/rooms').send({ otherUserId: dave.id }).expect(200);
    nodes.forEach(({ server }) => server.kill('SIGKILL'));
    await Promise.all([first.closed(), second.closed()]);
    await sleep(2 * ROOM_GRACE_MS);
    nodes = await Promise.all(nodes.map(() => BuiltServer.start(settings)));
    const { body } = await call(url(0), alice.token, 'get', '/api/chat/rooms').expect(200);
    expect(body.rooms.map(({ id }: { id: string }) => id).sort()).toEqual([roomId, empty.body.roomId].sort());
    const [third, fourth] = [await connect(alice, 1), await connect(bob, 0)];
    const resumed = await fourth.emit('room:join', { roomId, since: 2, epoch: joined.epoch });
    expect(resumed).toMatchObject({ success: true, gap: false, live: [[1, 1]], lastSeq: 2 });
    await say(third, roomId, 'again');
    await fourth.next('message:new', ({ content }) => content === 'again');
    expect(contents(fourth, roomId)).toEqual(['again']);
    // The sockets of before are held against nobody once they are taken over: the room goes when both leave it.
    await third.emit('room:leave', { roomId });
    await fourth.emit('message:status', { roomId, upToSeq: 3, status: 'seen' });
    await fourth.emit('room:leave', { roomId });
    await until(() => told(fourth, 'room:closed', roomId).length === 1, OFFLINE_MS);
  }, 60_000);
});
