import { RedisRateLimiter } from '../../src/limits/redis-rate-limiter';
import { redisKit } from '../support/redis-kit';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';
import { rateLimiterContract } from './rate-limiter.suite';

const BUCKET = { name: 'bucket', perMinute: 600, burst: 2 };

describeRedis('RateLimiter on Redis', (server) => {
  rateLimiterContract(async () => {
    const { redis, clock, close } = await redisKit(server);
    return {
      limiter: new RedisRateLimiter(redis),
      advance: (ms) => clock.advance(ms),
      close: async () => close(),
    };
  });

  it('is one for all nodes', async () => {
    const prefix = uniquePrefix();
    const kits = await Promise.all([redisKit(server, prefix), redisKit(server, prefix)]);
    const takes = await Promise.all(
      kits.flatMap(({ redis }) => {
        const limiter = new RedisRateLimiter(redis);
        return Array.from({ length: 10 }, () => limiter.take({ ...BUCKET, perMinute: 1, burst: 5 }, 'alice'));
      }),
    );
    expect(takes.filter(({ allowed }) => allowed)).toHaveLength(5);
    kits.forEach(({ close }) => close());
  });

  it('keeps nothing of a bucket that is full again', async () => {
    const { redis, close } = await redisKit(server);
    await new RedisRateLimiter(redis).take(BUCKET, 'alice');
    const kept = (): Promise<string[]> => redis.run((client) => client.keys(redis.key('*')));
    expect(await kept()).toHaveLength(1);
    await until(async () => (await kept()).length === 0, 1000);
    close();
  });
});
