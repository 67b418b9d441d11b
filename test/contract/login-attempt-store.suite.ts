import type { Awaitable } from '../../src/common/awaitable';
import type { LoginAttemptStore } from '../../src/auth/login-attempt-store';
import type { FakeClock } from '../support/fake-clock';

const WINDOW_MS = 1000;
const LIMITS = { windowMs: WINDOW_MS, perAddress: 3, inAll: 5 };

/** What every driver of `LoginAttemptStore` promises. */
export function loginAttemptStoreContract(
  makeStore: () => Awaitable<{ store: LoginAttemptStore; clock: FakeClock }>,
): void {
  let store: LoginAttemptStore;
  let clock: FakeClock;

  beforeEach(async () => {
    ({ store, clock } = await makeStore());
  });

  const attempt = async (address: string, account = 'alice'): Promise<number> =>
    store.attempt(account, address, LIMITS);

  it('locks an account for the address with too many failures, and says for how long', async () => {
    expect(await attempt('a')).toBe(0);
    clock.advance(100);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(WINDOW_MS - 100);
    expect(await attempt('b')).toBe(0);
    expect(await attempt('a', 'bob')).toBe(0);
  });

  it('lets one more through with each failure that leaves the window', async () => {
    await attempt('a');
    clock.advance(100);
    await attempt('a');
    await attempt('a');
    clock.advance(WINDOW_MS - 100);
    expect(await attempt('a')).toBe(0);
    expect(await attempt('a')).toBe(100);
  });

  it('locks an account for every address after too many failures in all', async () => {
    for (const address of ['a', 'b', 'c', 'd', 'e']) {
      expect(await attempt(address)).toBe(0);
    }
    expect(await attempt('f')).toBe(WINDOW_MS);
  });

  it('does not count attempts while it is locked', async () => {
    for (let i = 0; i < 10; i++) {
      await attempt('a');
    }
    clock.advance(WINDOW_MS);
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
