import { Ids } from '../../src/common/ids';
import { RedisNodes } from '../../src/nodes/redis-nodes';
import { RedisPresenceStore } from '../../src/presence/redis-presence.store';
import { redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { presenceContract } from './presence.suite';

describeRedis('PresenceStore on Redis', (server) => {
  presenceContract(async () => {
    const { redis, close } = await redisKit(server);
    return { store: new RedisPresenceStore(redis, new RedisNodes(redis, new Ids())), close: async () => close() };
  });
});
