import { RedisLoginAttemptStore } from '../../src/auth/redis-login-attempt.store';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { loginAttemptStoreContract } from './login-attempt-store.suite';

const LIMITS = { windowMs: 100, perAddress: 1, inAll: 5 };

/** One account for each of the shards. */
class TinyStore extends RedisLoginAttemptStore {
  protected override readonly most = 64;
}

describeRedis('LoginAttemptStore on Redis', (server) => {
  let kit: RedisKit;

  beforeEach(async () => {
    kit = await redisKit(server);
  });

  afterEach(() => kit.close());

  const kept = (): Promise<string[]> => kit.redis.run((client) => client.keys(kit.redis.key('*')));

  loginAttemptStoreContract(() => ({
    store: new RedisLoginAttemptStore(kit.redis),
    clock: kit.clock,
    slackMs: 250,
  }));

  it('is empty when the window has passed', async () => {
    const store = new RedisLoginAttemptStore(kit.redis);
    await store.attempt('alice', 'a', LIMITS);
    await store.attempt('bob', 'a', LIMITS);
    await store.succeeded('bob', 'a');
    expect(await kept()).not.toHaveLength(0);
    await until(async () => (await kept()).length === 0);
  });

  it('remembers no more accounts than its cap and drops those with the oldest attempts', async () => {
    const store = new TinyStore(kit.redis);
    const limits = { ...LIMITS, windowMs: 60_000 };
    const accounts = Array.from({ length: 500 }, (_, i) => `account${i}`);
    for (const account of accounts) {
      await store.attempt(account, 'a', limits);
    }
    const lists = (await kept()).filter((key) => key.includes('account'));
    expect(lists.length).toBeLessThanOrEqual(64);
    expect(lists.length).toBeGreaterThan(32);
    expect(await store.attempt('account499', 'a', limits)).toBeGreaterThan(0);
    expect(await store.attempt('account0', 'a', limits)).toBe(0);
  });
});
