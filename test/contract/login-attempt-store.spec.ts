import { MAX_ATTACKED_ACCOUNTS } from '../../src/auth/login-attempt-store';
import { MemoryLoginAttemptStore } from '../../src/auth/memory-login-attempt.store';
import { loginAttemptStoreContract } from './login-attempt-store.suite';
import { storeKit } from './store-kit';

const LIMITS = { windowMs: 1000, perAddress: 1, inAll: 5 };

describe('LoginAttemptStore in memory', () => {
  loginAttemptStoreContract(() => {
    const { clock, local, expiry } = storeKit();
    return { store: new MemoryLoginAttemptStore(clock, local, expiry), clock, slackMs: 0 };
  });

  it('is empty when the window has passed', async () => {
    const { clock, local, expiry } = storeKit();
    const store = new MemoryLoginAttemptStore(clock, local, expiry);
    store.attempt('alice', 'a', LIMITS);
    clock.advance(LIMITS.windowMs);
    await expiry.tick();
    expect(store.size).toBe(0);
    expect(local.size).toBe(0);
  });

  it('remembers no more accounts than its cap and drops the one with the oldest attempt', () => {
    const { clock, local, expiry } = storeKit();
    const store = new MemoryLoginAttemptStore(clock, local, expiry);
    for (let i = 0; i <= MAX_ATTACKED_ACCOUNTS; i++) {
      store.attempt(`account${i}`, 'a', LIMITS);
    }
    expect(store.size).toBe(MAX_ATTACKED_ACCOUNTS);
    expect(local.size).toBe(MAX_ATTACKED_ACCOUNTS);
    expect(store.attempt('account1', 'a', LIMITS)).toBeGreaterThan(0);
    expect(store.attempt('account0', 'a', LIMITS)).toBe(0);
  });
});
