import type { Awaitable } from '../../src/common/awaitable';
import { MAX_ENDED_TOKENS, type TokenKey, type TokenStore } from '../../src/auth/token-store';
import type { StoreClock } from './store-kit';

interface TokenStoreKit {
  readonly store: TokenStore;
  readonly clock: StoreClock;
  /** How long a token lives, ms: a day where time need not be waited for. */
  readonly lifeMs: number;
  /** How exactly the clock can be moved, ms. */
  readonly graceMs: number;
  /** Lets the expiry clock do what is due; does nothing where the store forgets by itself. */
  readonly tick: () => Awaitable<void>;
}

/** What every driver of `TokenStore` promises. */
export function tokenStoreContract(makeStore: () => Awaitable<TokenStoreKit>): void {
  let store: TokenStore;
  let clock: StoreClock;
  let lifeMs: number;
  let graceMs: number;
  let tick: TokenStoreKit['tick'];

  beforeEach(async () => {
    ({ store, clock, lifeMs, graceMs, tick } = await makeStore());
  });

  const token = (tokenId: string, generation = 0, userId = 'alice'): TokenKey => ({ userId, tokenId, generation });
  const until = (): number => clock.now() + lifeMs;
  const isRevoked = async (key: TokenKey): Promise<boolean> => (await store.state(key)).revoked;

  it('knows nothing against a token that it never heard of', async () => {
    expect(await store.state(token('a'))).toEqual({ revoked: false });
    expect(await store.generation('alice', until())).toBe(0);
  });

  it('revokes one token and no other', async () => {
    expect(await store.revoke(token('a'), until())).toBe(true);
    expect(await isRevoked(token('a'))).toBe(true);
    expect(await isRevoked(token('b'))).toBe(false);
    expect(await isRevoked(token('a', 0, 'bob'))).toBe(false);
  });

  it('revokes all tokens made until now and none made later, within the same millisecond too', async () => {
    const generation = await store.revokeAll('alice', until());
    expect(await isRevoked(token('a'))).toBe(true);
    expect(await isRevoked(token('b', generation))).toBe(false);
    expect(await store.generation('alice', until())).toBe(generation);
    expect(await isRevoked(token('a', 0, 'bob'))).toBe(false);
  });

  it('spares the token named, until it is revoked itself or all are again', async () => {
    await store.revokeAll('alice', until(), 'mine');
    expect(await isRevoked(token('mine'))).toBe(false);
    expect(await isRevoked(token('other'))).toBe(true);
    await store.revokeAll('alice', until(), 'mine');
    expect(await isRevoked(token('mine'))).toBe(false);
    await store.revoke(token('mine'), until());
    expect(await isRevoked(token('mine'))).toBe(true);
    await store.revokeAll('alice', until(), 'mine');
    expect(await isRevoked(token('mine'))).toBe(true);
  });

  it('no longer spares a token once another is spared', async () => {
    await store.revokeAll('alice', until(), 'first');
    const generation = await store.generation('alice', until());
    await store.revokeAll('alice', until(), 'second');
    expect(await isRevoked(token('first'))).toBe(true);
    expect(await isRevoked(token('second', generation))).toBe(false);
  });

  it('ends a superseded token at the time given, which a second time does not put off', async () => {
    const endsAt = clock.now() + 60_000;
    expect(await store.supersede(token('a'), endsAt, until())).toEqual({ generation: 0, endsAt });
    expect(await store.supersede(token('a'), endsAt + 30_000, until())).toEqual({ generation: 0, endsAt });
    expect(await store.state(token('a'))).toEqual({ revoked: false, endsAt });
  });

  it('gives no successor to a revoked token, and one of the new generation to a spared one', async () => {
    await store.revoke(token('a'), until());
    expect(await store.supersede(token('a'), clock.now(), until())).toBe('revoked');
    const generation = await store.revokeAll('alice', until(), 'mine');
    expect(await store.supersede(token('b'), clock.now(), until())).toBe('revoked');
    expect(await store.supersede(token('mine'), clock.now(), until())).toMatchObject({ generation });
  });

  it('keeps a superseded token superseded when it is spared', async () => {
    const endsAt = clock.now() + 60_000;
    await store.supersede(token('mine'), endsAt, until());
    await store.revokeAll('alice', until(), 'mine');
    expect(await store.state(token('mine'))).toEqual({ revoked: false, endsAt });
  });

  it('remembers as long as a token lives that it speaks of, however often new ones are made', async () => {
    const generation = await store.revokeAll('alice', until());
    for (let life = 0; life < 3; life++) {
      await clock.advance(lifeMs - graceMs);
      expect(await store.generation('alice', until())).toBe(generation);
      await tick();
    }
    expect(await isRevoked(token('last', generation))).toBe(false);
    expect(await store.revokeAll('alice', until())).toBe(generation + 1);
    expect(await isRevoked(token('last', generation))).toBe(true);
  });

  it('has a cap on single tokens a user, which does not touch others and frees itself', async () => {
    const revoked = Array.from({ length: MAX_ENDED_TOKENS }, (_, i) => store.revoke(token(`t${i}`), until()));
    expect(new Set(await Promise.all(revoked))).toEqual(new Set([true]));
    expect(await store.revoke(token('more'), until())).toBe(false);
    expect(await isRevoked(token('more'))).toBe(false);
    expect(await store.supersede(token('more'), clock.now(), until())).toBe('full');
    expect(await store.revoke(token('t0'), until())).toBe(true);
    expect(await store.revoke(token('more', 0, 'bob'), until())).toBe(true);
    await store.generation('alice', until() + lifeMs);
    await clock.advance(lifeMs);
    await tick();
    expect(await store.revoke(token('more'), until())).toBe(true);
  });

  it('forgets a user who is gone', async () => {
    await store.revokeAll('alice', until());
    await store.forget('alice');
    expect(await store.generation('alice', until())).toBe(0);
  });
}
