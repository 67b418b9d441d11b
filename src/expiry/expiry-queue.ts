import type { Awaitable } from '../common/awaitable';

/** Something whose deadline has come: `key` in the words of the owner of `kind`. */
export interface DueItem {
  readonly kind: string;
  readonly key: string;
  /** The deadline, epoch ms. */
  readonly at: number;
}

/** Deadlines of everything that ends by itself, one a kind and key. */
export abstract class ExpiryQueue {
  /** Sets the deadline (epoch ms) of a key, replacing an earlier or later one. Atomic. */
  abstract schedule(kind: string, key: string, at: number): Awaitable<void>;
  /** Sets the deadline unless one that is as early or earlier stands. Atomic. */
  abstract scheduleSooner(kind: string, key: string, at: number): Awaitable<void>;
  /** Forgets the deadline of a key; absent is fine. */
  abstract cancel(kind: string, key: string): Awaitable<void>;
  /**
   * Removes and hands out at most `limit` items whose deadline is at or before now, earliest first. Each item goes to
   * one caller only; one whose owner failed must be scheduled again. O(handed out · log pending).
   */
  abstract claim(limit: number): Awaitable<DueItem[]>;
  /**
   * The owner has done with items that `claim` handed out, or has scheduled them again. Items that are not settled, because
   * their node was killed, are handed out once more, to another caller. Where there is one node there is nothing to do.
   */
  settle(_items: readonly DueItem[]): Awaitable<void> {}
  /** The earliest deadline that may still stand, epoch ms; undefined without any. May be too early, never too late. */
  abstract nextDeadline(): Awaitable<number | undefined>;

  /**
   * Items whose deadline is at or before `now` (epoch ms) and that nobody has claimed yet, for the metrics. A driver that
   * cannot count them gives 1 for any number.
   */
  async overdueCount(now: number): Promise<number> {
    const next = await this.nextDeadline();
    return next !== undefined && next <= now ? 1 : 0;
  }
}
