import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock';
import { same } from '../../test/support/same';
import { MemoryRateLimiter } from './memory-rate-limiter';

const SEED = 20260101;

/** A token bucket as the book has it. The cost of a token divides evenly, so that nothing is rounded. */
class NaiveBucket {
  private readonly levels = new Map<string, { tokens: number; at: number }>();

  constructor(
    private readonly costMs: number,
    private readonly burst: number,
  ) {}

  take(key: string, now: number): { allowed: boolean; remaining: number; retryAfterMs: number; resetMs: number } {
    const { tokens: before, at } = this.levels.get(key) ?? { tokens: this.burst, at: now };
    const refilled = Math.min(this.burst, before + (now - at) / this.costMs);
    const allowed = refilled >= 1;
    const tokens = allowed ? refilled - 1 : refilled;
    this.levels.set(key, { tokens, at: now });
    return {
      allowed,
      remaining: Math.floor(tokens),
      retryAfterMs: allowed ? 0 : Math.ceil((1 - tokens) * this.costMs),
      resetMs: Math.ceil((this.burst - tokens) * this.costMs),
    };
  }
}

// Powers of two: a token's cost, and what a pause refills of it, are exact.
const costs = fc.constantFrom(0.5, 1, 2, 64, 1024, 8192);
const takes = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), pause: fc.nat(4000) }), {
  maxLength: 150,
  size: 'max',
});
const hurriedTakes = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), pause: fc.nat(40) }), {
  maxLength: 150,
  size: 'max',
});

describe('the memory rate limiter', () => {
  it('decides as a token bucket does, in any order of takes', () => {
    fc.assert(
      fc.property(costs, fc.integer({ min: 1, max: 20 }), fc.oneof(takes, hurriedTakes), (cost, burst, sequence) => {
        const clock = new FakeClock();
        const limiter = new MemoryRateLimiter(clock);
        const naive = new NaiveBucket(cost, burst);
        for (const { key, pause } of sequence) {
          clock.advance(pause);
          const decision = limiter.take({ name: 'bucket', perMinute: 60_000 / cost, burst }, key);
          same(decision, naive.take(key, clock.now()));
        }
      }),
      { seed: SEED, numRuns: 400 },
    );
  });

  it('lets a retry through that waits as long as it was told, and none sooner', () => {
    const bucket = fc.record({
      name: fc.constant('bucket'),
      perMinute: fc.integer({ min: 1, max: 100_000 }),
      burst: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(bucket, (of) => {
        const clock = new FakeClock();
        const limiter = new MemoryRateLimiter(clock);
        for (let i = 1; i <= of.burst; i++) {
          const { allowed, remaining } = limiter.take(of, 'key');
          same([allowed, remaining], [true, of.burst - i]);
        }
        const { allowed, retryAfterMs, resetMs } = limiter.take(of, 'key');
        expect(allowed).toBe(false);
        clock.advance(retryAfterMs - 1);
        expect(limiter.take(of, 'key').allowed).toBe(false);
        clock.advance(1);
        expect(limiter.take(of, 'key').allowed).toBe(true);
        clock.advance(resetMs);
        expect(limiter.take(of, 'key')).toMatchObject({ allowed: true, remaining: of.burst - 1 });
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('allows no more over a long time than the rate and one burst', () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    const bucket = { name: 'bucket', perMinute: 70, burst: 10 };
    let allowed = 0;
    for (let ms = 0; ms < 3_600_000; ms += 100) {
      allowed += limiter.take(bucket, 'key').allowed ? 1 : 0;
      clock.advance(100);
    }
    expect(Math.abs(allowed - (60 * 70 + 10))).toBeLessThanOrEqual(1);
  });

  it('remembers nothing of buckets that are full again', () => {
    const clock = new FakeClock();
    const limiter = new MemoryRateLimiter(clock);
    const bucket = { name: 'bucket', perMinute: 60, burst: 5 };
    for (let i = 0; i < 10_000; i++) {
      limiter.take(bucket, `key ${i}`);
      clock.advance(10);
    }
    const { current, previous } = limiter['generations'].get('bucket') ?? {};
    // Two refills of five seconds at a hundred keys a second.
    expect((current?.size ?? 0) + (previous?.size ?? 0)).toBeLessThanOrEqual(1001);
  });

  it('keeps no more buckets than it may, however many addresses come at once, and the newest', () => {
    const limiter = new MemoryRateLimiter(new FakeClock());
    const bucket = { name: 'bucket', perMinute: 60, burst: 1 };
    for (let i = 0; i < 600_000; i++) {
      limiter.take(bucket, `key ${i}`);
    }
    const { current, previous } = limiter['generations'].get('bucket') ?? {};
    expect((current?.size ?? 0) + (previous?.size ?? 0)).toBeLessThanOrEqual(500_000);
    expect(limiter.take(bucket, 'key 599999').allowed).toBe(false);
    expect(limiter.take(bucket, 'key 400000').allowed).toBe(false);
  });
});
