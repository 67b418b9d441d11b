import { MESSAGE_ID_PREFIX } from '../../common/ids';
import type { MessageRecords } from './message-records';
import { type Handle, NO_HANDLE } from './slab';

/** Erased places at the front of the log before it is cut. */
const SLACK = 64;

/** The messages of one room by seq, in the order in which they came. */
export class RoomLog {
  /** Records by seq: `handles[i]` is seq `firstSeq + i`; erased ones are NO_HANDLE. */
  private handles: Handle[] = [];
  private firstSeq = 1;
  private erasedInFront = 0;

  constructor(private readonly records: MessageRecords) {}

  /** Appends the record of the next seq. */
  push(handle: Handle, seq: number): void {
    if (this.handles.length === 0) {
      this.firstSeq = seq;
    }
    this.handles.push(handle);
  }

  /** Puts another record in the place of one of the log. */
  replace(seq: number, handle: Handle): void {
    this.handles[seq - this.firstSeq] = handle;
  }

  /** Takes a seq out of the log. */
  remove(seq: number): void {
    const index = seq - this.firstSeq;
    this.handles[index] = NO_HANDLE;
    if (index !== this.erasedInFront) {
      return;
    }
    while (this.erasedInFront < this.handles.length && this.handles[this.erasedInFront] === NO_HANDLE) {
      this.erasedInFront++;
    }
    if (
      this.erasedInFront === this.handles.length ||
      (this.erasedInFront > SLACK && this.erasedInFront * 2 > this.handles.length)
    ) {
      this.handles = this.handles.slice(this.erasedInFront);
      this.firstSeq += this.erasedInFront;
      this.erasedInFront = 0;
    }
  }

  /** The record of the lowest seq that is held, live or due. */
  oldest(): Handle {
    return this.handles[this.erasedInFront] ?? NO_HANDLE;
  }

  /** Live records with seqs in `[from, to]`, ascending. */
  *ascending(now: number, from = 1, to = Infinity): Generator<Handle> {
    const last = Math.min(this.handles.length - 1, to - this.firstSeq);
    for (let index = Math.max(this.erasedInFront, from - this.firstSeq); index <= last; index++) {
      const handle = this.handles[index] ?? NO_HANDLE;
      if (handle !== NO_HANDLE && this.records.deadline(handle) > now) {
        yield handle;
      }
    }
  }

  /** Live records with seqs below `before`, newest first. */
  *descending(now: number, before = Infinity): Generator<Handle> {
    for (let index = Math.min(this.handles.length, before - this.firstSeq) - 1; index >= this.erasedInFront; index--) {
      const handle = this.handles[index] ?? NO_HANDLE;
      if (handle !== NO_HANDLE && this.records.deadline(handle) > now) {
        yield handle;
      }
    }
  }

  /** The live record of a message id: ids carry their time, and times rise with seqs. O(log stored). */
  findById(messageId: string, now: number): Handle {
    const createdAt = Number(messageId.slice(MESSAGE_ID_PREFIX.length, messageId.lastIndexOf('_')));
    if (!messageId.startsWith(MESSAGE_ID_PREFIX) || !Number.isSafeInteger(createdAt)) {
      return NO_HANDLE;
    }
    for (let index = this.firstAt(createdAt); index < this.handles.length; index++) {
      const handle = this.handles[index] ?? NO_HANDLE;
      if (handle === NO_HANDLE) {
        continue;
      }
      if (this.records.createdAt(handle) > createdAt) {
        return NO_HANDLE;
      }
      if (this.records.id(handle) === messageId) {
        return this.records.deadline(handle) > now ? handle : NO_HANDLE;
      }
    }
    return NO_HANDLE;
  }

  /** Every record that is held, live or due. */
  *all(): Generator<Handle> {
    for (const handle of this.handles) {
      if (handle !== NO_HANDLE) {
        yield handle;
      }
    }
  }

  /** Index of the first live place whose message was created at or after this time; erased places are stepped over. */
  private firstAt(createdAt: number): number {
    let low = this.erasedInFront;
    let high = this.handles.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      let probe = middle;
      while (probe < high && this.handles[probe] === NO_HANDLE) {
        probe++;
      }
      if (probe === high) {
        high = middle;
      } else if (this.records.createdAt(this.handles[probe] ?? NO_HANDLE) < createdAt) {
        low = probe + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
