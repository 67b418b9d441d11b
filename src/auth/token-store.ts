import type { Awaitable } from '../common/awaitable';

/** A token as the store knows it. */
export interface TokenKey {
  readonly userId: string;
  /** `jti`. */
  readonly tokenId: string;
  /** The generation of the user's tokens in which it was made. */
  readonly generation: number;
}

/** What became of a token before its time. */
export interface TokenState {
  readonly revoked: boolean;
  /** When it ends, epoch ms, if earlier than it says itself; may be in the past. */
  readonly endsAt?: number;
}

/** Channel of the node bus: what is remembered of a user's tokens changed, so they are to be looked at again. */
export const TOKENS_CHANGED = 'tokens-changed';

export interface TokensChanged {
  readonly userId: string;
}

/**
 * Tokens that end before their time. "All tokens of a user" is a generation: each token names the one in which it was
 * made, and only those of the current one are good, so that neither clocks of nodes nor the second in which a token was
 * made matter. Every method is atomic. What is remembered is remembered until the tokens that it speaks of would have
 * expired anyway (`until`, epoch ms), and of single tokens for at most `MAX_ENDED_TOKENS` a user. Where several nodes share
 * it, each change is told on the node bus (`TOKENS_CHANGED`) in the same step.
 */
export abstract class TokenStore {
  /** The user's current generation, into which a token that does not expire after `until` is about to be made. */
  abstract generation(userId: string, until: number): Awaitable<number>;

  /** What became of the token; of one never heard of, nothing. */
  abstract state(token: TokenKey): Awaitable<TokenState>;

  /** Revokes one token, which does not expire after `until`. False: too many are remembered of this user, nothing changed. */
  abstract revoke(token: TokenKey, until: number): Awaitable<boolean>;

  /**
   * Revokes every token of the user made until now, except `exceptTokenId`; none of them expires after `until`. Gives
   * the generation that begins.
   */
  abstract revokeAll(userId: string, until: number, exceptTokenId?: string): Awaitable<number>;

  /**
   * Makes a token end at `endsAt` (epoch ms), or when it was to end already if that is earlier, and gives the
   * generation for its successor. Neither expires after `until`. `revoked`: the token is, nothing changed. `full`: too
   * many are remembered of this user, nothing changed.
   */
  abstract supersede(
    token: TokenKey,
    endsAt: number,
    until: number,
  ): Awaitable<{ generation: number; endsAt: number } | 'revoked' | 'full'>;

  /** Forgets the user, who is gone. */
  abstract forget(userId: string): Awaitable<void>;
}

/** Ended tokens that are remembered a user: a refresh every minute and a half for a day. */
export const MAX_ENDED_TOKENS = 1000;
