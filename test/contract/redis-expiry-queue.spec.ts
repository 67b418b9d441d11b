import { Ids } from '../../src/common/ids';
import { RedisExpiryQueue } from '../../src/expiry/redis-expiry-queue';
import { RedisNodes } from '../../src/nodes/redis-nodes';
import { RedisChannels } from '../../src/storage/redis-channels';
import { redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { expiryQueueContract } from './expiry-queue.suite';

/** By so much the clocks of node and Redis may differ, ms. */
const SKEW_MS = 3;

describeRedis('ExpiryQueue on Redis', (server) => {
  expiryQueueContract(async () => {
    const { redis, clock, close } = await redisKit(server);
    const nodes = new RedisNodes(redis, new Ids());
    const queue = new RedisExpiryQueue(redis, new RedisChannels(redis), nodes, clock);
    await queue.onModuleInit();
    return {
      queue,
      now: () => clock.now(),
      advance: (ms) => clock.advance(ms + SKEW_MS),
      close: async () => close(),
    };
  });
});
