import type { Awaitable } from '../../src/common/awaitable';
import type { LoginAttemptStore } from '../../src/auth/login-attempt-store';
import type { StoreClock } from './store-kit';

const WINDOW_MS = 1000;
/** Enough for a slow machine to make some attempts in. */
const STEP_MS = 500;
const LIMITS = { windowMs: WINDOW_MS, perAddress: 3, inAll: 5 };

interface LoginAttemptStoreKit {
  readonly store: LoginAttemptStore;
  readonly clock: StoreClock;
  /** What may pass while a test runs, ms: nothing where the clock stands still. */
  readonly slackMs: number;
}

/** What every driver of `LoginAttemptStore` promises. */
export function loginAttemptStoreContract(makeStore: () => Awaitable<LoginAttemptStoreKit>): void {
  let store: LoginAttemptStore;
  let clock: StoreClock;
  let slackMs: number;

  beforeEach(async () => {
    ({ store, clock, slackMs } = await makeStore());
  });

  /** Locked for so long, less what passed since. */
  const expectWait = (actual: number, expected: number): void => {
    expect(actual).toBeLessThanOrEqual(expected);
    expect(actual).toBeGreaterThanOrEqual(expected - slackMs);
    expect(actual).toBeGreaterThan(0);
  };

  const attempt = async (address: string, account = 'alice'): Promise<number> =>
    store.attempt(account, address, LIMITS);

  it('locks an account for the address with too many failures, and says for how long', async () => {
    expect(await attempt('a')).toBe(0);
    await clock.advance(STEP_MS);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(0);
    expectWait(await attempt('a'), WINDOW_MS - STEP_MS);
    expect(await attempt('b')).toBe(0);
    expect(await attempt('a', 'bob')).toBe(0);
  });

  it('lets one more through with each failure that leaves the window', async () => {
    await attempt('a');
    await clock.advance(STEP_MS);
    await attempt('a');
    await attempt('a');
    await clock.advance(WINDOW_MS - STEP_MS);
    expect(await attempt('a')).toBe(0);
    expectWait(await attempt('a'), STEP_MS);
  });

  it('locks an account for every address after too many failures in all', async () => {
    for (const address of ['a', 'b', 'c', 'd', 'e']) {
      expect(await attempt(address)).toBe(0);
    }
    expectWait(await attempt('f'), WINDOW_MS);
  });

  it('does not count attempts while it is locked', async () => {
    for (let i = 0; i < 10; i++) {
      await attempt('a');
    }
    await clock.advance(WINDOW_MS);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(0);
  });

  it('forgets what failed from an address on success, and nothing else', async () => {
    for (const address of ['a', 'a', 'b', 'b']) {
      await attempt(address);
    }
    await store.succeeded('alice', 'a');
    expect(await attempt('b')).toBe(0);
    expect(await attempt('b')).toBeGreaterThan(0);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('c')).toBeGreaterThan(0);
  });

  it('lets no more attempts at once through than the limit', async () => {
    const waits = await Promise.all(Array.from({ length: 20 }, () => attempt('a')));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(LIMITS.perAddress);
  });
}
