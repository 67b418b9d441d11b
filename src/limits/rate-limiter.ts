import type { Awaitable } from '../common/awaitable';

/** A token bucket: `burst` tokens at most, refilled evenly at `perMinute`. */
export interface Bucket {
  /** Separates buckets of one key; part of the stored key. */
  readonly name: string;
  /** Tokens refilled a minute, > 0. */
  readonly perMinute: number;
  /** Most tokens held, ≥ 1. */
  readonly burst: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  /** Whole tokens left after this take. */
  readonly remaining: number;
  /** Milliseconds until a token is there again; 0 where one is. */
  readonly retryAfterMs: number;
  /** Milliseconds until the bucket is full. */
  readonly resetMs: number;
}

export interface ItemDecision extends RateDecision {
  /** True where the item took its token before: none was taken now. */
  readonly known: boolean;
}

/** Token buckets, shared by all nodes. */
export abstract class RateLimiter {
  /**
   * Takes one token of the bucket of `key`. Atomic. A refused take costs nothing. A bucket that is full again takes no
   * memory.
   */
  abstract take(bucket: Bucket, key: string): Awaitable<RateDecision>;

  /**
   * Takes one token of the bucket of `key`, unless the same `item` took one of it within the last minute: that costs
   * nothing. Atomic, and otherwise as `take`: what counts is how many different items there are.
   */
  abstract takeOnce(bucket: Bucket, key: string, item: string): Awaitable<ItemDecision>;

  /** Gives one token back that was taken and turned out not to be owed; `takeOnce` still knows its item. Atomic. */
  abstract giveBack(bucket: Bucket, key: string): Awaitable<void>;
}

/** For how long an item of `takeOnce` costs nothing more, ms. */
export const ITEM_MS = 60_000;
