import type { DueItem } from './expiry-queue';

interface Failure {
  /** When it first came due, epoch ms. */
  readonly dueAt: number;
  /** When its owner is asked again, epoch ms. */
  readonly retryAt: number;
}

/** Failed items that are remembered; of those beyond, lateness counts from the retry only. */
const MAX_FAILED = 10_000;

/**
 * What left its queue and is not freed yet: items in the hands of their owners, and those whose owner failed. A retry
 * stands in its queue with a later deadline, but what it is to free is late since the first.
 */
export class LateItems {
  private readonly inHand = new Map<readonly DueItem[], readonly number[]>();
  private readonly failed = new Map<string, Failure>();

  /** Notes that an owner is at work on the items. */
  take(items: readonly DueItem[]): void {
    const dueAt =
      this.failed.size === 0
        ? items.map(({ at }) => at)
        : items.map((item) => {
            const { dueAt = item.at } = this.failed.get(id(item)) ?? {};
            this.failed.delete(id(item));
            return dueAt;
          });
    this.inHand.set(items, dueAt);
  }

  /** Notes that the items are freed, and gives when each came due, epoch ms. */
  freed(items: readonly DueItem[]): readonly number[] {
    const dueAt = this.inHand.get(items) ?? [];
    this.inHand.delete(items);
    return dueAt;
  }

  /** Notes that the items are not freed and are tried again at `retryAt`, epoch ms. */
  putBack(items: readonly DueItem[], retryAt: number): void {
    const dueAt = this.freed(items);
    items.forEach((item, i) => {
      if (this.failed.size < MAX_FAILED) {
        this.failed.set(id(item), { dueAt: dueAt[i] ?? item.at, retryAt });
      }
    });
  }

  /** Forgets items that should have been tried again before `time`, epoch ms: they were cancelled or put off. */
  forgetBefore(time: number): void {
    for (const [key, { retryAt }] of this.failed) {
      if (retryAt < time) {
        this.failed.delete(key);
      }
    }
  }

  /** How many there are; failed items whose retry has come at `now` stand in their queue again and are not counted. */
  count(now: number): number {
    let count = 0;
    for (const items of this.inHand.keys()) {
      count += items.length;
    }
    for (const { retryAt } of this.failed.values()) {
      count += retryAt > now ? 1 : 0;
    }
    return count;
  }

  /** When the one that is late longest came due, epoch ms; `now` where there is none. */
  oldest(now: number): number {
    let oldest = now;
    for (const dueAt of this.inHand.values()) {
      oldest = dueAt.reduce((a, b) => Math.min(a, b), oldest);
    }
    for (const { dueAt } of this.failed.values()) {
      oldest = Math.min(oldest, dueAt);
    }
    return oldest;
  }
}

function id({ kind, key }: DueItem): string {
  return `${kind}\n${key}`;
}
