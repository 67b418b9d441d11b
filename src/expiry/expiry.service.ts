import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../common/clock';
import { type DueItem, ExpiryQueue } from './expiry-queue';
import { LateItems } from './late-items';
import { LocalExpiryQueue } from './memory-expiry-queue';

/** How often due items are looked for. Bounds their lateness; an idle look costs a comparison. */
export const EXPIRY_TICK_MS = 20;
/** Items claimed at once: short enough to let sockets breathe between two claims. */
const CLAIM_BATCH = 256;
/** A failed owner is asked again after this long. */
const RETRY_MS = 1000;

/** Frees what is due. Called with the keys of its kind, never twice at once for the same kind and queue. */
export type ExpiryOwner = (items: DueItem[]) => Promise<void> | void;
/** Hears of items of a kind that were freed, each so many milliseconds after its deadline. */
export type FreedListener = (kind: string, latenessMs: readonly number[]) => void;

/** The one expiry clock: every deadline of the server ends here. Features register as owners of a kind of deadline. */
@Injectable()
export class ExpiryService {
  private readonly logger = new Logger(ExpiryService.name);
  private readonly owners = new Map<string, ExpiryOwner>();
  /** Queues that a tick is at work on. */
  private readonly atWork = new Set<ExpiryQueue>();
  private readonly queues: readonly ExpiryQueue[];
  private readonly late = new LateItems();
  private readonly freedListeners: FreedListener[] = [];

  constructor(
    shared: ExpiryQueue,
    private readonly local: LocalExpiryQueue,
    private readonly clock: Clock,
  ) {
    this.queues = [shared, local];
  }

  /** Makes `owner` the one that is handed due items of `kind`. */
  own(kind: string, owner: ExpiryOwner): void {
    if (this.owners.has(kind)) {
      throw new Error(`Deadlines of kind ${kind} have an owner already`);
    }
    this.owners.set(kind, owner);
  }

  /** Calls `listener`, which must not throw, whenever an owner has freed items. */
  onFreed(listener: FreedListener): void {
    this.freedListeners.push(listener);
  }

  /** Milliseconds by which the most overdue item, that its owner has not freed yet, is late; 0 where nothing is. */
  async overdueMs(): Promise<number> {
    const now = this.clock.now();
    const deadlines = await Promise.all(this.queues.map((queue) => queue.nextDeadline()));
    return Math.max(now - this.late.oldest(now), ...deadlines.map((at) => (at === undefined ? 0 : now - at)));
  }

  /** Items whose deadline has come and that are not freed yet, as far as the queues count them. */
  async overdueCount(): Promise<number> {
    const now = this.clock.now();
    const counts = await Promise.all(this.queues.map((queue) => queue.overdueCount(now)));
    return counts.reduce((sum, count) => sum + count, this.late.count(now));
  }

  @Interval('expiry', EXPIRY_TICK_MS)
  protected async scheduledTick(): Promise<void> {
    try {
      await this.tick();
    } catch (error) {
      this.logger.error({ err: error }, 'The expiry tick failed');
    }
  }

  /**
   * Hands out everything that is due now, but of a queue that an earlier tick is still at work on. One queue that is slow
   * or fails does not hold up the other. @throws what a queue threw, when the other is done
   */
  async tick(): Promise<void> {
    const startedAt = this.clock.now();
    const outcomes = await Promise.allSettled(this.queues.map((queue) => this.drainUnlessAtWork(queue)));
    this.late.forgetBefore(startedAt - RETRY_MS);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        throw outcome.reason;
      }
    }
  }

  private async drainUnlessAtWork(queue: ExpiryQueue): Promise<void> {
    if (this.atWork.has(queue)) {
      return;
    }
    this.atWork.add(queue);
    try {
      await this.drain(queue);
    } finally {
      this.atWork.delete(queue);
    }
  }

  private async drain(queue: ExpiryQueue): Promise<void> {
    for (;;) {
      const due = await queue.claim(CLAIM_BATCH);
      if (due.length === 0) {
        return;
      }
      const byKind = new Map<string, DueItem[]>();
      for (const item of due) {
        const items = byKind.get(item.kind);
        if (items) {
          items.push(item);
        } else {
          byKind.set(item.kind, [item]);
        }
      }
      byKind.forEach((items) => this.late.take(items));
      for (const [kind, items] of byKind) {
        await this.handOver(queue, kind, items);
      }
      if (due.length < CLAIM_BATCH) {
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  private async handOver(queue: ExpiryQueue, kind: string, items: DueItem[]): Promise<void> {
    try {
      const owner = this.owners.get(kind);
      if (!owner) {
        throw new Error(`Deadlines of kind ${kind} have no owner`);
      }
      await owner(items);
    } catch (error) {
      this.late.putBack(items, this.clock.now() + RETRY_MS);
      this.logger.error({ err: error, kind, count: items.length }, 'Due items were not freed and will be tried again');
      await Promise.all(items.map((item) => this.retryLater(queue, item)));
      return;
    }
    this.tellFreed(kind, items);
    await this.settle(queue, items);
  }

  private async settle(queue: ExpiryQueue, items: readonly DueItem[]): Promise<void> {
    try {
      await queue.settle(items);
    } catch (error) {
      this.logger.warn({ err: error, count: items.length }, 'Items that were freed are handed out once more');
    }
  }

  private tellFreed(kind: string, items: readonly DueItem[]): void {
    const now = this.clock.now();
    const latenessMs = this.late.freed(items).map((dueAt) => Math.max(0, now - dueAt));
    for (const listener of this.freedListeners) {
      listener(kind, latenessMs);
    }
  }

  private async retryLater(queue: ExpiryQueue, item: DueItem): Promise<void> {
    const { kind, key } = item;
    const again = this.clock.now() + RETRY_MS;
    try {
      await queue.scheduleSooner(kind, key, again);
      await this.settle(queue, [item]);
    } catch (error) {
      // The item is in no queue any more: this node keeps it until its owner has freed it.
      this.logger.error({ err: error, kind }, 'A due item could not be scheduled again and stays on this node');
      this.local.scheduleSooner(kind, key, again);
    }
  }
}
