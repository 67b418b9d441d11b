import type { Awaitable } from '../../src/common/awaitable';
import type { Bucket, RateDecision, RateLimiter } from '../../src/limits/rate-limiter';

export interface RateLimiterKit {
  readonly limiter: RateLimiter;
  /** Lets this much time pass by the driver's clock. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** One token in half a second: slow enough for a test to take all before one is refilled, quick enough to wait for. */
const PER_MINUTE = 120;
const TOKEN_MS = 500;

/** What every driver of `RateLimiter` promises. No bucket was ever used at first. */
export function rateLimiterContract(makeKit: () => Awaitable<RateLimiterKit>): void {
  let kit: RateLimiterKit;

  beforeEach(async () => {
    kit = await makeKit();
  });

  afterEach(() => kit.close());

  const bucket = (burst: number, name = 'bucket', perMinute = PER_MINUTE): Bucket => ({ name, perMinute, burst });
  const take = async (from: Bucket, key = 'alice'): Promise<RateDecision> => kit.limiter.take(from, key);
  const takeMany = async (count: number, from: Bucket, key?: string): Promise<boolean[]> => {
    const allowed: boolean[] = [];
    for (let i = 0; i < count; i++) {
      allowed.push((await take(from, key)).allowed);
    }
    return allowed;
  };

  it('lets a burst through, tells what is left, then refuses and says until when', async () => {
    const left: number[] = [];
    for (let i = 1; i <= 3; i++) {
      const decision = await take(bucket(3));
      expect(decision).toMatchObject({ allowed: true, retryAfterMs: 0 });
      expect(decision.resetMs).toBeGreaterThan((i - 1) * TOKEN_MS);
      expect(decision.resetMs).toBeLessThanOrEqual(i * TOKEN_MS);
      left.push(decision.remaining);
    }
    expect(left).toEqual([2, 1, 0]);
    const refused = await take(bucket(3));
    expect(refused).toMatchObject({ allowed: false, remaining: 0 });
    expect(refused.retryAfterMs).toBeGreaterThan(0);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(TOKEN_MS);
    expect(refused.resetMs).toBeGreaterThan(2 * TOKEN_MS);
    expect(refused.resetMs).toBeLessThanOrEqual(3 * TOKEN_MS);
  });

  it('refills evenly, and a refused take costs nothing', async () => {
    expect(await takeMany(5, bucket(2))).toEqual([true, true, false, false, false]);
    await kit.advance((await take(bucket(2))).retryAfterMs);
    expect(await takeMany(2, bucket(2))).toEqual([true, false]);
    await kit.advance(2 * TOKEN_MS);
    expect(await takeMany(3, bucket(2))).toEqual([true, true, false]);
  });

  it('is full again after a pause, and never fuller', async () => {
    await takeMany(2, bucket(2));
    await kit.advance(3 * TOKEN_MS);
    expect(await takeMany(3, bucket(2))).toEqual([true, true, false]);
  });

  it('keeps keys and buckets apart', async () => {
    expect(await takeMany(2, bucket(1))).toEqual([true, false]);
    expect(await takeMany(2, bucket(1), 'bob')).toEqual([true, false]);
    expect(await takeMany(2, bucket(1, 'another'))).toEqual([true, false]);
    expect(await takeMany(2, bucket(1), '')).toEqual([true, false]);
    expect(await takeMany(2, bucket(1), 'ü {a}:b')).toEqual([true, false]);
  });

  it.each([1, 3, 7, 60, 70, 90, 110])('gives the whole burst of a bucket of %i tokens a minute', async (perMinute) => {
    const uneven = bucket(20, 'uneven', perMinute);
    expect(await takeMany(21, uneven)).toEqual([...Array.from({ length: 20 }, () => true), false]);
  });

  describe('of different things', () => {
    const takeOnce = async (item: string, burst = 2): Promise<boolean> =>
      (await kit.limiter.takeOnce(bucket(burst, 'items', 1), 'alice', item)).allowed;

    it('takes for each once a minute, whatever else was taken', async () => {
      expect([await takeOnce('a'), await takeOnce('a'), await takeOnce('b')]).toEqual([true, true, true]);
      expect([await takeOnce('c'), await takeOnce('a'), await takeOnce('b')]).toEqual([false, true, true]);
      expect((await kit.limiter.takeOnce(bucket(2, 'items', 1), 'bob', 'c')).allowed).toBe(true);
    });

    it('takes again for one that was refused', async () => {
      expect([await takeOnce('a', 1), await takeOnce('b', 1), await takeOnce('b', 1)]).toEqual([true, false, false]);
    });

    it('lets through exactly as many as the burst of fifty at once', async () => {
      const taken = await Promise.all(Array.from({ length: 50 }, (_, i) => takeOnce(`item ${i % 25}`, 20)));
      expect(taken.filter((allowed) => allowed)).toHaveLength(40);
    });

    it('tells which it took a token for', async () => {
      const items = bucket(2, 'items', 1);
      const known = async (item: string): Promise<boolean> => (await kit.limiter.takeOnce(items, 'alice', item)).known;
      expect([await known('a'), await known('a'), await known('b'), await known('c')]).toEqual([
        false,
        true,
        false,
        false,
      ]);
    });

    it('gets one back that was not owed, and no more than were taken', async () => {
      const items = bucket(2, 'items', 1);
      expect([await takeOnce('a'), await takeOnce('b'), await takeOnce('c')]).toEqual([true, true, false]);
      await kit.limiter.giveBack(items, 'alice');
      expect([await takeOnce('c'), await takeOnce('d')]).toEqual([true, false]);
      for (let i = 0; i < 5; i++) {
        await kit.limiter.giveBack(items, 'alice');
      }
      expect([await takeOnce('d'), await takeOnce('e'), await takeOnce('f')]).toEqual([true, true, false]);
    });
  });

  it('lets through exactly the burst of fifty takes at once', async () => {
    const takes = await Promise.all(Array.from({ length: 50 }, () => take(bucket(20, 'slow', 1))));
    expect(takes.filter(({ allowed }) => allowed)).toHaveLength(20);
    const left = takes.flatMap(({ allowed, remaining }) => (allowed ? remaining : []));
    expect(left.sort((a, b) => b - a)).toEqual(Array.from({ length: 20 }, (_, i) => 19 - i));
  });
}
