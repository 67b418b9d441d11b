import fc from 'fast-check';
import { isoTime, SystemClock } from './clock';

const SEED = 20260101;
const DAY_MS = 86_400_000;
/** What a `Date` can hold. */
const LAST_DATE = 8_640_000_000_000_000;

describe('a time as text', () => {
  it.each([
    ['of our days', Date.UTC(2000, 0, 1), Date.UTC(2100, 0, 1)],
    ['within a few seconds, which are cached', Date.UTC(2030, 0, 1), Date.UTC(2030, 0, 1) + 40_000],
    ['around 1970', -40_000, 40_000],
    ['of any date', -LAST_DATE, LAST_DATE],
  ])('is that of Date for times %s', (_which, min, max) => {
    fc.assert(
      fc.property(fc.integer({ min, max }), (ms) => isoTime(ms) === new Date(ms).toISOString()),
      { seed: SEED, numRuns: 5000 },
    );
  });

  it('of no date is an error, not a wrong text', () => {
    expect(() => isoTime(NaN)).toThrow(RangeError);
    expect(() => isoTime(Infinity)).toThrow(RangeError);
  });
});

describe('the system clock', () => {
  afterEach(() => jest.restoreAllMocks());

  it('tells the time in whole milliseconds, never going back', () => {
    const clock = new SystemClock();
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(50);
    let before = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.now();
      expect(now >= before && Number.isSafeInteger(now)).toBe(true);
      before = now;
    }
  });

  it('goes on by itself when the machine’s clock is set', () => {
    const clock = new SystemClock();
    const start = clock.now();
    for (const set of [start + DAY_MS, start - DAY_MS]) {
      jest.spyOn(Date, 'now').mockReturnValue(set);
      expect(clock.now() - start).toBeGreaterThanOrEqual(0);
      expect(clock.now() - start).toBeLessThan(5000);
    }
  });
});
