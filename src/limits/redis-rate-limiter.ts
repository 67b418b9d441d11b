import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../storage/redis';
import { type Bucket, type RateDecision, RateLimiter } from './rate-limiter';

/** Times are whole microseconds, in which Redis tells the time: what is added up stays exact. */
const MINUTE_US = 60_000_000;

/**
 * KEYS: the bucket. ARGV: what a token costs, what a full bucket holds (microseconds of refilling). Kept is the time at
 * which the bucket will be full; then the key ends.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local debt = math.max(0, tonumber(redis.call('GET', KEYS[1]) or now) - now)
if debt + cost > capacity then
  return {0, 0, debt + cost - capacity, debt}
end
debt = debt + cost
redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
return {1, math.floor((capacity - debt) / cost), 0, debt}
`;

type Taken = [allowed: number, remaining: number, retryAfterUs: number, resetUs: number];

/** One round trip a take. A bucket is one key, which ends when the bucket is full again. */
@Injectable()
export class RedisRateLimiter extends RateLimiter {
  private readonly takeScript: Script;

  constructor(private readonly redis: Redis) {
    super();
    this.takeScript = redis.script(TAKE);
  }

  /** @throws AppError CapacityError where Redis does not answer in time: what cannot be counted is not let through */
  override async take({ name, perMinute, burst }: Bucket, key: string): Promise<RateDecision> {
    const cost = Math.max(1, Math.round(MINUTE_US / perMinute));
    const bucket = this.redis.key('limit', name, `{${key}}`);
    const [allowed, remaining, retryAfterUs, resetUs] = (await this.takeScript(
      [bucket],
      [cost, cost * burst],
    )) as Taken;
    return {
      allowed: allowed === 1,
      remaining,
      retryAfterMs: Math.ceil(retryAfterUs / 1000),
      resetMs: Math.ceil(resetUs / 1000),
    };
  }
}
