import { Injectable } from '@nestjs/common';
import { JwtService, TokenExpiredError } from '@nestjs/jwt';
import { AppError } from '../common/app-error';
import { type Awaitable, both, chain } from '../common/awaitable';
import { Clock } from '../common/clock';
import type { Identity, IdentityKind } from '../common/identity';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import { NodeBus } from '../storage/node-bus';
import type { UserRecord } from '../users/user-store';
import { UsersService } from '../users/users.service';
import { tokenError } from './token-errors';
import { TOKENS_CHANGED, type TokensChanged, TokenStore } from './token-store';

const ENDINGS = 'token-endings';
/** A refreshed token lives on this long, for requests under way and tabs that have not heard. */
const SUPERSEDED_MS = 60_000;
/** Ours have about 350 characters; longer ones are not looked at. */
const MAX_TOKEN_LENGTH = 4096;

/** Claims, next to `iss` and `aud`. ASCII without `>`, `?`, `~`: old pages read the payload with `atob`. */
interface Claims {
  readonly sub: string;
  readonly kind: IdentityKind;
  readonly jti: string;
  /** The generation of the user's tokens: see `TokenStore`. */
  readonly gen: number;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
}

/** Who a good token speaks for. */
export interface TokenIdentity extends Identity {
  /** The generation of the user's tokens that it belongs to. */
  readonly generation: number;
}

/** A token whose signature was checked. */
type VerifiedToken = Omit<TokenIdentity, 'username' | 'role'>;

/** Tokens that end before their time: what their sockets have to be told. */
export interface TokenEnding {
  readonly userId: string;
  /** Only this token; absent: all of the user. */
  readonly tokenId?: string;
  /** But not this one. */
  readonly exceptTokenId?: string;
  /** Nor those of this generation and later, which were made since. Absent beside `tokenId`. */
  readonly generation?: number;
  /** When they end, epoch ms; past or now is at once. */
  readonly at: number;
  readonly reason: 'revoked' | 'expired' | 'erased';
}

/** Makes, checks and ends tokens. */
@Injectable()
export class TokenService {
  constructor(
    private readonly jwt: JwtService,
    private readonly store: TokenStore,
    private readonly users: UsersService,
    private readonly bus: NodeBus,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AppConfig,
  ) {
    users.onErase((userId) => this.forget(userId), 'access');
  }

  /**
   * Who the token speaks for: the one check of REST and of every socket. `expiresAt` is when it really ends.
   * @throws AppError AuthenticationError
   */
  verify(token: string): Awaitable<TokenIdentity> {
    const { sub, kind, jti, gen, exp } = this.read(token);
    const claimed = { userId: sub, kind, tokenId: jti, generation: gen, expiresAt: exp * 1000 };
    return chain(this.recheck(claimed), (identity) => {
      if (identity.expiresAt <= this.clock.now()) {
        throw tokenError('expired');
      }
      return identity;
    });
  }

  /**
   * Who a token speaks for now that was verified before, and when it ends, which may be past.
   * @throws AppError AuthenticationError where it was revoked or its user is gone
   */
  recheck(token: VerifiedToken): Awaitable<TokenIdentity> {
    const { userId, kind, tokenId, generation, expiresAt } = token;
    return chain(both(this.users.find(userId), this.store.state(token)), ([user, state]) => {
      if (!user || user.kind !== kind) {
        throw tokenError(kind === 'guest' ? 'guestGone' : 'invalid');
      }
      if (state.revoked) {
        throw tokenError('revoked');
      }
      const { username, role } = user;
      const endsAt = state.endsAt ?? expiresAt;
      return Object.freeze({ userId, username, kind, role, tokenId, generation, expiresAt: endsAt });
    });
  }

  /** The generation of the user's tokens now: see `issue`. */
  generation(userId: string): Awaitable<number> {
    return this.store.generation(userId, this.longestExpiry());
  }

  /**
   * A new token of the user. Whoever checks a password gives the `generation` from before the check: then the old
   * password brings no token when it is changed meanwhile. @throws AppError AuthenticationError
   */
  async issue(user: UserRecord, generation?: number): Promise<string> {
    const current = await this.store.generation(user.id, this.longestExpiry());
    if (generation !== undefined && generation !== current) {
      throw tokenError('revoked');
    }
    return this.sign(user, current);
  }

  /**
   * A new token in place of an account's; the old one ends within a minute.
   * @throws AppError AuthenticationError, RateLimitError
   */
  async refresh(identity: TokenIdentity): Promise<string> {
    const { userId, tokenId } = identity;
    const endsAt = Math.min(identity.expiresAt, this.clock.now() + SUPERSEDED_MS);
    const user = await this.users.find(userId);
    if (!user) {
      throw tokenError('invalid');
    }
    const superseded = await this.store.supersede(identity, endsAt, this.longestExpiry());
    if (superseded === 'revoked') {
      throw tokenError('revoked');
    }
    if (superseded === 'full') {
      throw new AppError('RateLimitError', 'Too many tokens were refreshed: please use the one you have', {
        retryAfter: SUPERSEDED_MS / 1000,
      });
    }
    const token = this.sign(user, superseded.generation);
    await this.announce({ userId, tokenId, at: superseded.endsAt, reason: 'expired' });
    return token;
  }

  /** Ends this token now. */
  async revoke(identity: TokenIdentity): Promise<void> {
    const { userId, tokenId } = identity;
    if (await this.store.revoke(identity, this.longestExpiry())) {
      await this.announce({ userId, tokenId, at: this.clock.now(), reason: 'revoked' });
    } else {
      // No room to remember one more of this user: ending all of them needs none.
      await this.revokeAll(userId);
    }
  }

  /** Ends every token of the user now, but for the one named. */
  async revokeAll(userId: string, exceptTokenId?: string): Promise<void> {
    const generation = await this.store.revokeAll(userId, this.longestExpiry(), exceptTokenId);
    await this.announce({ userId, exceptTokenId, generation, at: this.clock.now(), reason: 'revoked' });
  }

  /** Calls the listener whenever tokens end before their time, on every node. */
  onEnded(listener: (ending: TokenEnding) => void): void {
    this.bus.subscribe(ENDINGS, listener);
  }

  /** Calls the listener where tokens of a user may have ended, on every node: `recheck` tells. */
  onChanged(listener: (userId: string) => void): void {
    this.bus.subscribe<TokensChanged>(TOKENS_CHANGED, ({ userId }) => listener(userId));
  }

  private sign(user: UserRecord, generation: number): string {
    const claims: Claims = {
      sub: user.id,
      kind: user.kind,
      jti: this.ids.id(),
      gen: generation,
      iat: Math.floor(this.clock.now() / 1000),
      exp: this.expiry(user.kind),
    };
    return this.jwt.sign(claims);
  }

  /** Of a user who is being erased, and whom `verify` finds no more. */
  private async forget(userId: string): Promise<void> {
    await this.store.forget(userId);
    await this.announce({ userId, at: this.clock.now(), reason: 'erased' });
  }

  private announce(ending: TokenEnding): Awaitable<void> {
    return this.bus.publish(ENDINGS, ending);
  }

  private read(token: string): Claims {
    if (!token) {
      throw tokenError('missing');
    }
    if (token.length > MAX_TOKEN_LENGTH) {
      throw tokenError('invalid');
    }
    let payload: Partial<Claims>;
    try {
      payload = this.jwt.verify<Partial<Claims>>(token, { clockTimestamp: this.clock.now() / 1000 });
    } catch (error) {
      throw tokenError(error instanceof TokenExpiredError ? 'expired' : 'invalid');
    }
    if (!isClaims(payload)) {
      throw tokenError('invalid');
    }
    return payload;
  }

  /** Of a token made now: seconds since the epoch. */
  private expiry(kind: IdentityKind): number {
    const { jwtExpiresInS, guestExpiresInS } = this.config;
    return Math.floor(this.clock.now() / 1000) + (kind === 'guest' ? guestExpiresInS : jwtExpiresInS);
  }

  /** No token that was made until now expires later than this, epoch ms. */
  private longestExpiry(): number {
    return Math.max(this.expiry('account'), this.expiry('guest')) * 1000;
  }
}

function isClaims(payload: Partial<Claims>): payload is Claims {
  const { sub, kind, jti, gen, exp } = payload;
  return (
    typeof sub === 'string' &&
    (kind === 'account' || kind === 'guest') &&
    typeof jti === 'string' &&
    Number.isSafeInteger(gen) &&
    typeof exp === 'number'
  );
}
