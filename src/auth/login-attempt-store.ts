import type { Awaitable } from '../common/awaitable';

export interface AttemptLimits {
  /** Failures older than this are forgotten, ms. */
  readonly windowMs: number;
  /** Failures in the window that lock an account for one address. */
  readonly perAddress: number;
  /** Failures in the window that lock it for all addresses. */
  readonly inAll: number;
}

/**
 * Failed checks of a password by account and address, over all nodes. Whether the account exists does not matter here.
 * Forgotten with the window; at most `MAX_ATTACKED_ACCOUNTS` are remembered, those with the oldest attempts go first.
 */
export abstract class LoginAttemptStore {
  /**
   * Counts an attempt, as failed until `succeeded` says otherwise, unless the account is locked for the address. Gives 0,
   * or the milliseconds until one is possible again. Atomic: of attempts at once no more pass than the limits allow.
   */
  abstract attempt(account: string, address: string, limits: AttemptLimits): Awaitable<number>;

  /** Forgets what failed from this address; what failed from others still counts. */
  abstract succeeded(account: string, address: string): Awaitable<void>;
}

/** To flush one lock, which gains ten guesses, an attacker needs this many attempts. */
export const MAX_ATTACKED_ACCOUNTS = 100_000;
