import { Ids } from '../../src/common/ids';
import { RedisExpiryQueue } from '../../src/expiry/redis-expiry-queue';
import { RedisNodes } from '../../src/nodes/redis-nodes';
import { RedisChannels } from '../../src/storage/redis-channels';
import { redisKit } from '../support/redis-kit';
import { describeRedis, type RedisServer, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';
import { expiryQueueContract } from './expiry-queue.suite';

/** By so much the clocks of node and Redis may differ, ms. */
const SKEW_MS = 3;

/** Twice what it takes until a killed node's deadlines are handed out by another, ms. */
const TAKEN_OVER_MS = 8000;

/** A node that beats as it does in the application, but by hand. */
async function queueNode(server: RedisServer, prefix = uniquePrefix()) {
  const { redis, clock, close } = await redisKit(server, prefix);
  const nodes = new RedisNodes(redis, new Ids());
  const queue = new RedisExpiryQueue(redis, new RedisChannels(redis), nodes, clock);
  await queue.onModuleInit();
  return { queue, nodes, clock, close };
}

describeRedis('ExpiryQueue on Redis', (server) => {
  expiryQueueContract(async () => {
    const { queue, clock, close } = await queueNode(server);
    return {
      queue,
      now: () => clock.now(),
      advance: (ms) => clock.advance(ms + SKEW_MS),
      close: async () => close(),
    };
  });

  it('is shared out among the nodes: each item is handed to one of them', async () => {
    const prefix = uniquePrefix();
    const [one, two] = [await queueNode(server, prefix), await queueNode(server, prefix)];
    const now = one.clock.now();
    const keys = Array.from({ length: 200 }, (_, i) => `${i}`);
    const handed: string[][] = [[], []];
    await until(async () => {
      for (const { nodes, queue } of [one, two]) {
        await nodes.tick();
        await queue.tick();
      }
      return two.nodes.count === 2 && one.nodes.count === 2;
    });
    await one.queue.tick();
    await two.queue.tick();
    await Promise.all(keys.map((key) => one.queue.schedule('kind', key, now)));
    await until(async () => {
      for (const [i, { queue }] of [one, two].entries()) {
        await queue.tick();
        handed[i]?.push(...(await queue.claim(10)).map(({ key }) => key));
      }
      return handed.flat().length >= keys.length;
    });
    expect(handed.flat().sort()).toEqual([...keys].sort());
    expect(handed.map(({ length }) => length > 0)).toEqual([true, true]);
    one.close();
    two.close();
  });

  it('hands out once more what a killed node had not settled, and nothing else', async () => {
    const prefix = uniquePrefix();
    const killed = await queueNode(server, prefix);
    const now = killed.clock.now();
    await killed.queue.schedule('kind', 'settled', now);
    await killed.queue.schedule('kind', 'at work', now);
    await killed.queue.schedule('kind', 'later', now + 500);
    const claimed = await killed.queue.claim(10);
    expect(claimed.map(({ key }) => key).sort()).toEqual(['at work', 'settled']);
    await killed.queue.settle(claimed.filter(({ key }) => key === 'settled'));
    killed.close();
    const other = await queueNode(server, prefix);
    const handed: string[] = [];
    await until(async () => {
      await other.nodes.tick();
      await other.queue.tick();
      handed.push(...(await other.queue.claim(10)).map(({ key }) => key));
      return handed.length >= 2;
    }, TAKEN_OVER_MS);
    expect(handed.sort()).toEqual(['at work', 'later']);
    other.close();
  }, 20_000);
});
