import { Injectable } from '@nestjs/common';

/** How often each kind of bucket was empty, since the start of this node. Bounded by the names of buckets. */
@Injectable()
export class Refusals {
  private readonly counts = new Map<string, number>();

  /** Counts a caller who was refused because of an empty bucket of this name. */
  count(bucket: string): void {
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
  }

  /** By the name of the bucket. */
  totals(): ReadonlyMap<string, number> {
    return this.counts;
  }
}
