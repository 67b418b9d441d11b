import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { type Bucket, ITEM_MS, type ItemDecision, type RateDecision, RateLimiter } from './rate-limiter';

/**
 * Times are whole multiples of this part of a millisecond, a power of two: sums of them are exact, so that the last
 * token of a burst is not lost to rounding. A refill is off by half of it at most.
 */
const GRAIN_MS = 2 ** -10;

/** Buckets of one name that are kept in a generation; past it the oldest are forgotten, as if they were full. */
const MAX_BUCKETS = 250_000;

/** A bucket's state is one number, the time at which it will be full (GCRA's theoretical arrival time). */
interface Generations {
  current: Map<string, number>;
  previous: Map<string, number>;
  rotatedAt: number;
}

/**
 * Buckets of one name live in two generations that turn once a full refill: what was not touched for one refill is full
 * again and falls out with its generation, so nothing has to be swept.
 */
@Injectable()
export class MemoryRateLimiter extends RateLimiter {
  private readonly generations = new Map<string, Generations>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override take(bucket: Bucket, key: string): RateDecision {
    const now = this.clock.now();
    const { cost, capacity } = measures(bucket);
    const { current, previous } = this.turned(bucket.name, now, capacity);
    const stored = current.get(key) ?? previous.get(key);
    const full = stored === undefined || stored < now ? now : stored;
    const next = full + cost;
    if (next - now > capacity) {
      return {
        allowed: false,
        remaining: 0,
        retryAfterMs: Math.ceil(next - now - capacity),
        resetMs: Math.ceil(full - now),
      };
    }
    current.set(key, next);
    return {
      allowed: true,
      remaining: Math.floor((capacity - (next - now)) / cost),
      retryAfterMs: 0,
      resetMs: Math.ceil(next - now),
    };
  }

  override takeOnce(bucket: Bucket, key: string, item: string): ItemDecision {
    const now = this.clock.now();
    const { current, previous } = this.turned(`${bucket.name} items`, now, ITEM_MS);
    const known = `${key}\n${item}`;
    const since = current.get(known) ?? previous.get(known);
    if (since !== undefined && now - since < ITEM_MS) {
      return { allowed: true, known: true, ...this.look(bucket, key, now) };
    }
    const decision = this.take(bucket, key);
    if (decision.allowed) {
      current.set(known, now);
    }
    return { ...decision, known: false };
  }

  override giveBack(bucket: Bucket, key: string): void {
    const now = this.clock.now();
    const { cost, capacity } = measures(bucket);
    const { current, previous } = this.turned(bucket.name, now, capacity);
    const stored = current.get(key) ?? previous.get(key);
    if (stored !== undefined && stored > now) {
      current.set(key, stored - cost);
    }
  }

  private look(bucket: Bucket, key: string, now: number): Omit<RateDecision, 'allowed'> {
    const { cost, capacity } = measures(bucket);
    const { current, previous } = this.turned(bucket.name, now, capacity);
    const resetMs = Math.max(0, (current.get(key) ?? previous.get(key) ?? now) - now);
    return { remaining: Math.floor((capacity - resetMs) / cost), retryAfterMs: 0, resetMs: Math.ceil(resetMs) };
  }

  private turned(name: string, now: number, capacity: number): Generations {
    let generations = this.generations.get(name);
    if (!generations) {
      generations = { current: new Map(), previous: new Map(), rotatedAt: now };
      this.generations.set(name, generations);
    } else if (now - generations.rotatedAt >= capacity || generations.current.size >= MAX_BUCKETS) {
      generations.previous = now - generations.rotatedAt >= 2 * capacity ? new Map() : generations.current;
      generations.current = new Map();
      generations.rotatedAt = now;
    }
    return generations;
  }
}

/** What a token costs and what a full bucket holds, ms of refilling. */
function measures({ perMinute, burst }: Bucket): { cost: number; capacity: number } {
  const cost = Math.max(GRAIN_MS, Math.round(60_000 / perMinute / GRAIN_MS) * GRAIN_MS);
  return { cost, capacity: cost * burst };
}
