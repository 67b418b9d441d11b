import request from 'supertest';
import { Nodes } from '../../src/nodes/nodes';
import { register, TestClient } from '../support/clients';
import { describeRedis, RedisServer, uniquePrefix } from '../support/redis-server';
import { createApp, type TestApp } from '../support/create-app';
import { until } from '../support/until';
import { FaithfulClient } from './faithful-client';
import { RedisProxy } from './redis-proxy';
import { contents, oneTo, roomOf, say, socketOf, TestNodes, told, useNodes } from './test-nodes';

/** From the end of an outage until everything that was acked has come, ms. */
const RECOVERED_MS = 8000;
const PAUSE_MS = 25;
/** Longer than the lease of a node. */
const STALL_S = 6;

describeRedis('A node that is cut off from Redis', (server) => {
  let proxy: RedisProxy;
  let far: TestApp;
  let near: TestApp;
  const open: { close(): void }[] = [];

  beforeEach(async () => {
    proxy = await RedisProxy.start(server.port);
    const settings = { REDIS_PREFIX: uniquePrefix(), SEED_DEMO_USERS: 'false', JWT_SECRET: 'x'.repeat(32) };
    [far, near] = await Promise.all([
      createApp({ settings: { ...settings, REDIS_URL: proxy.url } }),
      createApp({ settings: { ...settings, REDIS_URL: server.url } }),
    ]);
  });

  afterEach(async () => {
    open.splice(0).forEach((client) => client.close());
    await Promise.all([far.close(), near.close()]);
    await proxy.stop();
  });

  it.each([
    ['blocked', 1],
    ['cut', 1],
    ['blocked', 3],
    ['cut', 3],
    ['blocked', 10],
  ] as const)(
    '(%s for %i s) leaves no hole and changes no order for its clients',
    async (how, seconds) => {
      const [alice, bob] = [await register(near.url, 'alice'), await register(near.url, 'bob')];
      const roomId = roomOf(alice, bob);
      const sender = await TestClient.connect(near.url, alice.token);
      await say(sender, roomId, 'first');
      const receiver = new FaithfulClient(far.url, bob.token, roomId);
      open.push(sender, receiver);
      await until(() => receiver.connected);
      let over = false;
      let sent = 1;
      const sending = (async () => {
        while (!over) {
          sent = (await say(sender, roomId, 'x')).seq;
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (how === 'cut') {
        proxy.cut();
      } else {
        proxy.block();
      }
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      proxy.mend();
      await new Promise((resolve) => setTimeout(resolve, 500));
      over = true;
      await sending;
      await until(() => receiver.known.includes(sent), RECOVERED_MS);
      expect(receiver.known).toEqual(oneTo(sent));
      expect(receiver.gaps).toBe(0);
      await until(async () => (await request(far.url).get('/health/ready')).status === 200, RECOVERED_MS);
    },
    40_000,
  );
});

describeRedis('Redis that stalls for everybody', (server) => {
  const nodes = useNodes(server, 2);

  it('longer than a lease makes nobody take over anybody, and costs nothing that was acked', async () => {
    const [alice, bob] = [await nodes().person('alice', 0), await nodes().person('bob', 1)];
    const [from, to] = [socketOf(alice), socketOf(bob)];
    const roomId = roomOf(alice, bob);
    await to.emit('room:join', { roomId });
    await say(from, roomId, 'before', { ttl: STALL_S + 1 });
    server.pause();
    const stalledAt = performance.now();
    const refused = await from.emit('message:send', { roomId, content: 'meanwhile', clientId: 'c' });
    expect(refused).toMatchObject({ success: false, code: 'CapacityError' });
    expect(performance.now() - stalledAt).toBeLessThan(3000);
    await new Promise((resolve) => setTimeout(resolve, STALL_S * 1000 - (performance.now() - stalledAt)));
    server.resume();
    await until(async () => (await from.emit('message:send', { roomId, content: 'meanwhile', clientId: 'c' })).success);
    await say(from, roomId, 'after');
    await to.next('message:new', ({ content }) => content === 'after');
    expect(contents(to, roomId)).toEqual(['before', 'meanwhile', 'after']);
    await until(() => told(to, 'message:expired', roomId).length === 1);
    for (const client of [from, to]) {
      expect(client.all('user:offline')).toEqual([]);
      expect(told(client, 'user:left', roomId)).toEqual([]);
    }
    for (const node of [0, 1]) {
      expect(nodes().get(node, Nodes).takeovers).toBe(0);
    }
  }, 30_000);
});

describe('Redis that loses everything', () => {
  const redis = new RedisServer();
  let nodes: TestNodes;

  beforeAll(() => redis.start());
  afterAll(() => redis.stop());
  beforeEach(async () => {
    nodes = await TestNodes.start(2, redis);
  });
  afterEach(() => nodes.close());

  it('ends the sockets of users who are no more, and lets everybody begin anew', async () => {
    const [alice, bob] = [await nodes.person('alice', 0, 1), await nodes.person('bob', 0, 1)];
    const roomId = roomOf(alice, bob);
    const everyone = [...alice.clients, ...bob.clients];
    for (const client of everyone) {
      await client.emit('room:join', { roomId });
    }
    await say(everyone[0] as TestClient, roomId, 'x', { ttl: 2 });
    const ends = Promise.all(everyone.map((client) => client.closed()));
    await redis.restart();
    expect(new Set(await ends)).toEqual(new Set(['io server disconnect']));
    for (const node of [0, 1]) {
      await until(async () => (await request(nodes.url(node)).get('/health/ready')).status === 200, RECOVERED_MS);
    }
    await expect(TestClient.connect(nodes.url(0), alice.token)).rejects.toThrow('Invalid or expired token');
    const [carol, dave] = [await nodes.person('carol', 0), await nodes.person('dave', 1)];
    const [from, to] = [carol.clients[0] as TestClient, dave.clients[0] as TestClient];
    const anew = roomOf(carol, dave);
    await say(from, anew, 'hello', { ttl: 1 });
    await to.next('message:new');
    await until(() => told(to, 'message:expired', anew).length === 1);
    const { body } = await request(nodes.url(1)).get('/api/health').expect(200);
    expect(body).toMatchObject({ redis: 'connected', activeRooms: 0 });
  }, 30_000);
});
