import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../common/clock';
import { type DueItem, ExpiryQueue } from './expiry-queue';
import { LocalExpiryQueue } from './memory-expiry-queue';

/** How often due items are looked for. Bounds their lateness; an idle look costs a comparison. */
export const EXPIRY_TICK_MS = 20;
/** Items claimed at once: short enough to let sockets breathe between two claims. */
const CLAIM_BATCH = 256;
/** A failed owner is asked again after this long. */
const RETRY_MS = 1000;

/** Frees what is due. Called with the keys of its kind, never twice at once for the same kind and queue. */
export type ExpiryOwner = (items: DueItem[]) => Promise<void> | void;

/** The one expiry clock: every deadline of the server ends here. Features register as owners of a kind of deadline. */
@Injectable()
export class ExpiryService {
  private readonly logger = new Logger(ExpiryService.name);
  private readonly owners = new Map<string, ExpiryOwner>();
  private running = false;

  private readonly queues: readonly ExpiryQueue[];

  constructor(
    shared: ExpiryQueue,
    local: LocalExpiryQueue,
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

  /** Milliseconds by which the most overdue deadline is late; 0 where nothing is. */
  async overdueMs(): Promise<number> {
    const now = this.clock.now();
    const deadlines = await Promise.all(this.queues.map((queue) => queue.nextDeadline()));
    return Math.max(0, ...deadlines.map((at) => (at === undefined ? 0 : now - at)));
  }

  @Interval('expiry', EXPIRY_TICK_MS)
  protected async scheduledTick(): Promise<void> {
    try {
      await this.tick();
    } catch (error) {
      this.logger.error({ err: error }, 'The expiry tick failed');
    }
  }

  /** Hands out everything that is due now. Does nothing while an earlier tick is still at work. */
  async tick(): Promise<void> {
    if (this.running) {
      return;
    }
    this.running = true;
    try {
      for (const queue of this.queues) {
        await this.drain(queue);
      }
    } finally {
      this.running = false;
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
      this.logger.error({ err: error, kind, count: items.length }, 'Due items were not freed and will be tried again');
      const again = this.clock.now() + RETRY_MS;
      await Promise.all(items.map((item) => queue.scheduleSooner(item.kind, item.key, again)));
    }
  }
}
