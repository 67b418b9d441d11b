import type { Common } from './event-log';

/** How many times what a request takes may delay what a server does by itself: each has many steps, and waits in line. */
const STEPS = 10;
const BUCKET_MS = 1000;
/** How far around a time slowness is looked for, in buckets. */
const AROUND = 3;

/**
 * How slow the machine was, by what requests took that no slow reader held up (REST): a guarantee of time holds on a
 * machine that has time.
 */
export class Slowness {
  private readonly longest = new Map<number, number>();

  constructor(entries: readonly Common[]) {
    for (const entry of entries) {
      if ('to' in entry && 'call' in (entry.to as object)) {
        const { at } = entry.to as Common;
        for (let bucket = bucketOf(at); bucket <= bucketOf(entry.at); bucket++) {
          this.longest.set(bucket, Math.max(entry.at - at, this.longest.get(bucket) ?? 0));
        }
      }
    }
  }

  /** What is allowed on top of a time limit at a time, ms; `steps`: for what takes less of them. */
  at(at: number, steps = STEPS): number {
    let longest = 0;
    for (let offset = -AROUND; offset <= AROUND; offset++) {
      longest = Math.max(longest, this.longest.get(bucketOf(at) + offset) ?? 0);
    }
    return longest * steps;
  }
}

function bucketOf(at: number): number {
  return Math.floor(at / BUCKET_MS);
}
