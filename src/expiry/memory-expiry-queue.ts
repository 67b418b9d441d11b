import { Injectable } from '@nestjs/common';
import { Heap } from 'heap-js';
import { Clock } from '../common/clock';
import { type DueItem, ExpiryQueue } from './expiry-queue';

interface Entry {
  readonly kind: string;
  readonly key: string;
  /** Where the entry stands in the heap, epoch ms. */
  at: number;
  /** The deadline in force: later than `at` after a postponement, which costs no heap operation. */
  deadline: number;
  live: boolean;
}

/**
 * A heap of deadlines. Postponing only writes a number (the entry goes back into the heap when its old turn comes);
 * bringing forward pushes a second entry and lets the first one die in the heap.
 */
@Injectable()
export class MemoryExpiryQueue extends ExpiryQueue {
  private readonly heap = new Heap<Entry>((a, b) => a.at - b.at);
  private readonly entries = new Map<string, Map<string, Entry>>();

  constructor(private readonly clock: Clock) {
    super();
  }

  /** Deadlines that stand. */
  get size(): number {
    let size = 0;
    for (const ofKind of this.entries.values()) {
      size += ofKind.size;
    }
    return size;
  }

  override schedule(kind: string, key: string, at: number): void {
    const ofKind = this.ofKind(kind);
    const entry = ofKind.get(key);
    if (entry && at >= entry.at) {
      entry.deadline = at;
      return;
    }
    if (entry) {
      entry.live = false;
    }
    const fresh: Entry = { kind, key, at, deadline: at, live: true };
    ofKind.set(key, fresh);
    this.heap.push(fresh);
    if (entry) {
      this.dropDead();
    }
  }

  override scheduleSooner(kind: string, key: string, at: number): void {
    const entry = this.entries.get(kind)?.get(key);
    if (!entry || at < entry.deadline) {
      this.schedule(kind, key, at);
    }
  }

  override cancel(kind: string, key: string): void {
    const ofKind = this.entries.get(kind);
    const entry = ofKind?.get(key);
    if (ofKind && entry) {
      entry.live = false;
      ofKind.delete(key);
      this.dropDead();
    }
  }

  override claim(limit: number): DueItem[] {
    const now = this.clock.now();
    const due: DueItem[] = [];
    while (due.length < limit) {
      const entry = this.heap.peek();
      if (!entry || entry.at > now) {
        break;
      }
      if (entry.live && entry.deadline > entry.at) {
        entry.at = entry.deadline;
        this.heap.replace(entry);
        continue;
      }
      this.heap.pop();
      if (entry.live) {
        this.entries.get(entry.kind)?.delete(entry.key);
        due.push({ kind: entry.kind, key: entry.key, at: entry.deadline });
      }
    }
    return due;
  }

  override nextDeadline(): number | undefined {
    return this.heap.peek()?.at;
  }

  /** O(due): only what is due, and the children of that, are looked at in the heap. */
  override async overdueCount(now: number): Promise<number> {
    const { heapArray } = this.heap;
    const open = [0];
    let count = 0;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const entry = heapArray[at];
      if (entry && entry.at <= now) {
        count += entry.live && entry.deadline <= now ? 1 : 0;
        open.push(2 * at + 1, 2 * at + 2);
      }
    }
    return count;
  }

  private ofKind(kind: string): Map<string, Entry> {
    let ofKind = this.entries.get(kind);
    if (!ofKind) {
      ofKind = new Map();
      this.entries.set(kind, ofKind);
    }
    return ofKind;
  }

  /**
   * Entries that were cancelled or brought forward die in the heap; when they outnumber the living, the heap is made
   * anew. Amortised O(1).
   */
  private dropDead(): void {
    if (this.heap.length > 1024 && this.heap.length > 2 * this.size) {
      this.heap.init(this.heap.toArray().filter((entry) => entry.live));
    }
  }
}

/** Deadlines of what lives on this node only (sockets, their tokens), whatever the driver of the shared queue. */
@Injectable()
export class LocalExpiryQueue extends MemoryExpiryQueue {}
