import { JwtService } from '@nestjs/jwt';
import { accounts, JWT_SECRET } from '../../test/support/accounts';
import type { UserRecord } from '../users/user-store';
import { MAX_ENDED_TOKENS } from './token-store';

const HOUR_MS = 3_600_000;
const CLAIMS = { iss: 'mayfly', aud: 'mayfly', kind: 'account', jti: 'jti', gen: 0 };

let kit: ReturnType<typeof accounts>;
let alice: UserRecord;

beforeEach(async () => {
  kit = accounts();
  alice = await kit.users.createAccount({ username: 'alice', email: 'alice@example.com', passwordHash: 'hash' });
});

/** Why the token is refused; undefined where it is good. */
async function refusal(token: string): Promise<string | undefined> {
  try {
    await kit.tokens.verify(token);
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'AuthenticationError' });
    return (error as Error).message;
  }
}

async function createGuest(): Promise<UserRecord> {
  const guest = { id: 'guest1', kind: 'guest', username: 'sam', role: 'user', createdAt: kit.clock.now() } as const;
  return kit.userStore.create(guest, 10);
}

const payloadOf = (token: string): string => token.split('.')[1] ?? '';
const seconds = (): number => Math.floor(kit.clock.now() / 1000);

describe('a token', () => {
  it('speaks for its user as the user is now', async () => {
    const token = await kit.tokens.issue(alice);
    await kit.users.update(alice.id, { username: 'alicia', role: 'admin' });
    const identity = await kit.tokens.verify(token);
    expect(identity).toMatchObject({ userId: alice.id, username: 'alicia', kind: 'account', role: 'admin' });
    expect(identity.expiresAt).toBe(kit.clock.now() + 24 * HOUR_MS);
    expect(Object.isFrozen(identity)).toBe(true);
  });

  it('holds the claims of the contract in a payload that `atob` reads', async () => {
    for (let i = 0; i < 50; i++) {
      const payload = payloadOf(await kit.tokens.issue(alice));
      expect(payload).not.toMatch(/[-_]/);
      expect(JSON.parse(atob(payload))).toEqual({
        ...CLAIMS,
        sub: alice.id,
        jti: expect.stringMatching(/^[0-9a-f]{24}$/) as string,
        iat: seconds(),
        exp: seconds() + 24 * 3600,
      });
    }
  });

  it('ends at its expiry to the millisecond, a guest’s sooner', async () => {
    const token = await kit.tokens.issue(alice);
    const guests = await kit.tokens.issue(await createGuest());
    kit.clock.advance(2 * HOUR_MS - 1);
    expect(await refusal(guests)).toBeUndefined();
    kit.clock.advance(1);
    expect(await refusal(guests)).toBe('Token has expired');
    kit.clock.advance(22 * HOUR_MS - 1);
    expect(await refusal(token)).toBeUndefined();
    kit.clock.advance(1);
    expect(await refusal(token)).toBe('Token has expired');
  });

  it('is required', async () => {
    expect(await refusal('')).toBe('Authentication token required');
  });

  it('is good for nothing when its user is gone, in the words for the kind', async () => {
    const guest = await createGuest();
    const [token, guests] = [await kit.tokens.issue(alice), await kit.tokens.issue(guest)];
    await kit.users.erase(alice.id);
    await kit.users.erase(guest.id);
    expect(await refusal(token)).toBe('Invalid or expired token');
    expect(await refusal(guests)).toBe('Guest session not found or expired');
  });
});

describe('a forged token', () => {
  const claimsWith = (changes: object): object => {
    // JSON leaves out what is undefined.
    const json = JSON.stringify({ ...CLAIMS, sub: alice.id, exp: seconds() + 60, ...changes });
    return JSON.parse(json) as object;
  };
  const forged = (changes: object, secret = JWT_SECRET, algorithm: 'HS256' | 'HS512' = 'HS256'): string =>
    new JwtService().sign(claimsWith(changes), { secret, algorithm });
  const unsigned = (): string =>
    [{ alg: 'none', typ: 'JWT' }, claimsWith({})]
      .map((part) => `${Buffer.from(JSON.stringify(part)).toString('base64url')}.`)
      .join('');

  it('would be good with every claim right', async () => {
    expect(await refusal(forged({}))).toBeUndefined();
  });

  it.each([
    ['another issuer', { iss: 'other' }],
    ['another audience', { aud: 'other' }],
    ['an unknown user', { sub: 'other' }],
    ['no user', { sub: undefined }],
    ['an unknown kind', { kind: 'admin' }],
    ['an id that is no text', { jti: 7 }],
    ['a generation that is no number', { gen: 'x' }],
    ['no expiry', { exp: undefined }],
  ])('is refused for %s', async (_what, claims) => {
    expect(await refusal(forged(claims))).toBe('Invalid or expired token');
  });

  it('is refused for the other kind of user', async () => {
    expect(await refusal(forged({ kind: 'guest' }))).toBe('Guest session not found or expired');
  });

  it('is refused for its algorithm, its signature, its shape and its length', async () => {
    const good = await kit.tokens.issue(alice);
    for (const token of [
      forged({}, JWT_SECRET, 'HS512'),
      unsigned(),
      forged({}, 'another-secret-that-is-long-enough-too'),
      `${good}x`,
      `${good}.x`,
      'abc',
      '..',
      `${payloadOf(good)}`,
      forged({ padding: 'x'.repeat(5000) }),
    ]) {
      expect(await refusal(token)).toBe('Invalid or expired token');
    }
  });

  it('of a generation that is yet to come is refused', async () => {
    expect(await refusal(forged({ gen: 1 }))).toBe('Token has been revoked');
  });
});

describe('refreshing', () => {
  it('gives a new token and lets the old one live for a minute, which another refresh does not lengthen', async () => {
    const old = await kit.tokens.issue(alice);
    kit.clock.advance(HOUR_MS);
    const { tokenId } = await kit.tokens.verify(old);
    const endsAt = kit.clock.now() + 60_000;
    const fresh = await kit.tokens.refresh(await kit.tokens.verify(old));
    expect(await kit.tokens.verify(old)).toMatchObject({ expiresAt: endsAt });
    kit.clock.advance(30_000);
    const another = await kit.tokens.refresh(await kit.tokens.verify(old));
    const ending = { userId: alice.id, tokenId, at: endsAt, reason: 'expired' };
    expect(kit.endings).toEqual([ending, ending]);
    kit.clock.advance(30_000);
    expect(await refusal(old)).toBe('Token has expired');
    expect(await refusal(fresh)).toBeUndefined();
    expect(await refusal(another)).toBeUndefined();
  });

  it('never lengthens the life of a token that is about to end', async () => {
    const old = await kit.tokens.issue(alice);
    kit.clock.advance(24 * HOUR_MS - 1000);
    const identity = await kit.tokens.verify(old);
    await kit.tokens.refresh(identity);
    expect(await kit.tokens.verify(old)).toMatchObject({ expiresAt: identity.expiresAt });
  });

  it('gives nothing to who was revoked while asking', async () => {
    const identity = await kit.tokens.verify(await kit.tokens.issue(alice));
    await kit.tokens.revokeAll(alice.id);
    await expect(kit.tokens.refresh(identity)).rejects.toMatchObject({ message: 'Token has been revoked' });
  });

  it('has a cap, at which tokens stay as they are', async () => {
    const token = await kit.tokens.issue(alice);
    const identity = await kit.tokens.verify(token);
    for (let i = 0; i < MAX_ENDED_TOKENS; i++) {
      await kit.tokens.refresh({ ...identity, tokenId: `t${i}` });
    }
    await expect(kit.tokens.refresh(identity)).rejects.toMatchObject({ code: 'RateLimitError' });
    expect(await refusal(token)).toBeUndefined();
  });
});

describe('revoking', () => {
  it('ends one token and says so', async () => {
    const [token, other] = [await kit.tokens.issue(alice), await kit.tokens.issue(alice)];
    const identity = await kit.tokens.verify(token);
    await kit.tokens.revoke(identity);
    expect(await refusal(token)).toBe('Token has been revoked');
    expect(await refusal(other)).toBeUndefined();
    const { tokenId } = identity;
    expect(kit.endings).toEqual([{ userId: alice.id, tokenId, at: kit.clock.now(), reason: 'revoked' }]);
  });

  it('ends all tokens but one and those made since, within one second too', async () => {
    const [before, mine] = [await kit.tokens.issue(alice), await kit.tokens.issue(alice)];
    const { tokenId } = await kit.tokens.verify(mine);
    await kit.tokens.revokeAll(alice.id, tokenId);
    const after = await kit.tokens.issue(alice);
    expect(await refusal(before)).toBe('Token has been revoked');
    expect(await refusal(mine)).toBeUndefined();
    expect(await refusal(after)).toBeUndefined();
    expect(await kit.tokens.verify(after)).toMatchObject({ generation: kit.endings[0]?.generation });
    expect(kit.endings).toMatchObject([{ userId: alice.id, exceptTokenId: tokenId, reason: 'revoked' }]);
  });

  it('ends all tokens of a user of whom too many single ones are remembered', async () => {
    const token = await kit.tokens.issue(alice);
    const identity = await kit.tokens.verify(token);
    for (let i = 0; i < MAX_ENDED_TOKENS; i++) {
      await kit.tokens.revoke({ ...identity, tokenId: `t${i}` });
    }
    await kit.tokens.revoke(identity);
    expect(await refusal(token)).toBe('Token has been revoked');
    expect(await refusal(await kit.tokens.issue(alice))).toBeUndefined();
  });

  it('gives no token for a password that was checked before', async () => {
    const generation = await kit.tokens.generation(alice.id);
    await kit.tokens.revokeAll(alice.id);
    await expect(kit.tokens.issue(alice, generation)).rejects.toMatchObject({ code: 'AuthenticationError' });
  });

  it('tells of an erased user and remembers nothing of them', async () => {
    await kit.tokens.revokeAll(alice.id);
    await kit.users.erase(alice.id);
    expect(kit.endings.at(-1)).toEqual({ userId: alice.id, at: kit.clock.now(), reason: 'erased' });
    expect(kit.tokenStore.size).toBe(0);
  });
});
