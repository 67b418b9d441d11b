import { RedisTokenStore } from '../../src/auth/redis-token.store';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { tokenStoreContract } from './token-store.suite';

/** Tokens live for a second here, long enough to revoke a thousand of them in. */
const LIFE_MS = 1000;

describeRedis('TokenStore on Redis', (server) => {
  let kit: RedisKit;

  beforeEach(async () => {
    kit = await redisKit(server);
  });

  afterEach(() => kit.close());

  tokenStoreContract(() => {
    const store = new RedisTokenStore(kit.redis);
    return { store, clock: kit.clock, lifeMs: LIFE_MS, graceMs: 200, tick: () => undefined };
  });

  it('is empty when everything that it remembered has expired', async () => {
    const store = new RedisTokenStore(kit.redis);
    const soon = kit.clock.now() + 100;
    await store.revoke({ userId: 'alice', tokenId: 'a', generation: 0 }, soon);
    await store.revokeAll('bob', soon, 'b');
    await store.supersede({ userId: 'carol', tokenId: 'c', generation: 0 }, soon, soon);
    await store.generation('dave', soon);
    const kept = (): Promise<string[]> => kit.redis.run((client) => client.keys(kit.redis.key('*')));
    expect(await kept()).toHaveLength(3);
    await until(async () => (await kept()).length === 0);
  });
});
