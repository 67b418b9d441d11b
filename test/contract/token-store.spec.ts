import { MemoryTokenStore } from '../../src/auth/memory-token.store';
import { storeKit } from './store-kit';
import { tokenStoreContract } from './token-store.suite';

describe('TokenStore in memory', () => {
  tokenStoreContract(() => {
    const { clock, local, expiry } = storeKit();
    const store = new MemoryTokenStore(clock, local, expiry);
    return { store, clock, lifeMs: 86_400_000, graceMs: 1, tick: () => expiry.tick() };
  });

  it('is empty when everything that it remembered has expired', async () => {
    const { clock, local, expiry } = storeKit();
    const store = new MemoryTokenStore(clock, local, expiry);
    store.revoke({ userId: 'alice', tokenId: 'a', generation: 0 }, clock.now() + 1000);
    store.revokeAll('bob', clock.now() + 2000);
    clock.advance(1000);
    await expiry.tick();
    expect(store.size).toBe(1);
    clock.advance(1000);
    await expiry.tick();
    expect(store.size).toBe(0);
    expect(local.size).toBe(0);
  });
});
