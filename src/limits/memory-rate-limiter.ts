import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { type Bucket, type RateDecision, RateLimiter } from './rate-limiter';

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
    const cost = Math.max(GRAIN_MS, Math.round(60_000 / bucket.perMinute / GRAIN_MS) * GRAIN_MS);
    const capacity = cost * bucket.burst;
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
