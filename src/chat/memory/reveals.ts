import { Heap } from 'heap-js';

interface Reveal {
  /** From when the message is gone for who revealed it, epoch ms. */
  readonly until: number;
  /** When it was revealed, epoch ms. */
  readonly at: number;
  readonly revealId: string | undefined;
}

interface Countdown {
  readonly until: number;
  readonly seq: number;
  readonly userId: string;
}

/** What recipients of a room's burn messages have revealed. */
export class Reveals {
  private readonly bySeq = new Map<number, Map<string, Reveal>>();
  /** Countdowns of messages that others have not revealed yet, earliest first. */
  private readonly running = new Heap<Countdown>((a, b) => a.until - b.until);

  get(seq: number, userId: string): Reveal | undefined {
    return this.bySeq.get(seq)?.get(userId);
  }

  add(seq: number, userId: string, reveal: Reveal): void {
    const standing = this.bySeq.get(seq);
    if (standing) {
      standing.set(userId, reveal);
    } else {
      this.bySeq.set(seq, new Map([[userId, reveal]]));
    }
  }

  /** When the last countdown of a message ends, epoch ms; undefined unless all its recipients, if any, have revealed it. */
  lastOf(seq: number, recipients: readonly string[]): number | undefined {
    let latest = 0;
    for (const userId of recipients) {
      const reveal = this.get(seq, userId);
      if (!reveal) {
        return undefined;
      }
      latest = Math.max(latest, reveal.until);
    }
    return latest || undefined;
  }

  /** Whether a message is gone for a user, while others still have it. */
  isOver(seq: number, userId: string, now: number): boolean {
    const reveal = this.get(seq, userId);
    return reveal !== undefined && reveal.until <= now;
  }

  /** The message will be gone for this user before it is for others. */
  endSooner(countdown: Countdown): void {
    this.running.push(countdown);
  }

  /** When the next countdown of one user ends, epoch ms; undefined: none runs. */
  get next(): number | undefined {
    for (let next = this.running.peek(); next; next = this.running.peek()) {
      if (this.get(next.seq, next.userId)) {
        return next.until;
      }
      this.running.pop();
    }
    return undefined;
  }

  /** Takes what is over for one user, earliest first; undefined: nothing. */
  takeOver(now: number): Countdown | undefined {
    const { next } = this;
    return next !== undefined && next <= now ? this.running.pop() : undefined;
  }

  /** Seqs of the messages that somebody who is still a recipient has revealed. */
  get seqs(): number[] {
    return [...this.bySeq.keys()];
  }

  /** A user is no recipient any more. */
  forgetUser(userId: string): void {
    for (const [seq, reveals] of this.bySeq) {
      if (reveals.delete(userId) && reveals.size === 0) {
        this.bySeq.delete(seq);
      }
    }
  }

  /** The message is gone for everyone. */
  forget(seq: number): void {
    this.bySeq.delete(seq);
  }
}
