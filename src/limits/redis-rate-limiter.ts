import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../storage/redis';
import { type Bucket, ITEM_MS, type ItemDecision, type RateDecision, RateLimiter } from './rate-limiter';

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

/** KEYS: the bucket, the item. ARGV as `TAKE`. Gives also 1 where the item is known. */
const TAKE_ONCE = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local debt = math.max(0, tonumber(redis.call('GET', KEYS[1]) or now) - now)
if redis.call('EXISTS', KEYS[2]) == 1 then
  return {1, math.floor((capacity - debt) / cost), 0, debt, 1}
end
if debt + cost > capacity then
  return {0, 0, debt + cost - capacity, debt}
end
debt = debt + cost
redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
redis.call('SET', KEYS[2], '', 'PX', ${ITEM_MS})
return {1, math.floor((capacity - debt) / cost), 0, debt}
`;

/** KEYS: the bucket. ARGV: what a token costs. */
const GIVE_BACK = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local debt = tonumber(redis.call('GET', KEYS[1]) or now) - now - ARGV[1]
if debt > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000))
else
  redis.call('DEL', KEYS[1])
end
`;

type Taken = [allowed: number, remaining: number, retryAfterUs: number, resetUs: number];

/** One round trip a take. A bucket is one key, which ends when the bucket is full again. */
@Injectable()
export class RedisRateLimiter extends RateLimiter {
  private readonly takeScript: Script;
  private readonly takeOnceScript: Script;
  private readonly giveBackScript: Script;

  constructor(private readonly redis: Redis) {
    super();
    this.takeScript = redis.script(TAKE);
    this.takeOnceScript = redis.script(TAKE_ONCE);
    this.giveBackScript = redis.script(GIVE_BACK);
  }

  /** @throws AppError CapacityError where Redis does not answer in time: what cannot be counted is not let through */
  override async take(bucket: Bucket, key: string): Promise<RateDecision> {
    const cost = costOf(bucket);
    return decisionOf((await this.takeScript([this.key(bucket, key)], [cost, cost * bucket.burst])) as Taken);
  }

  override async takeOnce(bucket: Bucket, key: string, item: string): Promise<ItemDecision> {
    const cost = costOf(bucket);
    const keys = [this.key(bucket, key), `${this.key(bucket, key)}:${item}`];
    const reply = (await this.takeOnceScript(keys, [cost, cost * bucket.burst])) as [...Taken, known?: number];
    return { ...decisionOf(reply), known: reply[4] === 1 };
  }

  override async giveBack(bucket: Bucket, key: string): Promise<void> {
    await this.giveBackScript([this.key(bucket, key)], [costOf(bucket)]);
  }

  private key({ name }: Bucket, key: string): string {
    return this.redis.key('limit', name, `{${key}}`);
  }
}

/** Microseconds of refilling that a token costs. */
function costOf({ perMinute }: Bucket): number {
  return Math.max(1, Math.round(MINUTE_US / perMinute));
}

function decisionOf([allowed, remaining, retryAfterUs, resetUs]: readonly [...Taken, ...unknown[]]): RateDecision {
  return {
    allowed: allowed === 1,
    remaining,
    retryAfterMs: Math.ceil(retryAfterUs / 1000),
    resetMs: Math.ceil(resetUs / 1000),
  };
}
