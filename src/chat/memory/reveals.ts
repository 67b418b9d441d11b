import { Heap } from 'heap-js';

interface Reveal {
  /** From when the message is gone for who revealed it, epoch ms. */
  readonly until: number;
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

  /** Of the messages that somebody has revealed. */
  get seqs(): Iterable<number> {
    return this.bySeq.keys();
  }

  /** When the last countdown of a message ends, epoch ms. */
  latest(seq: number): number {
    let latest = 0;
    for (const { until } of this.bySeq.get(seq)?.values() ?? []) {
      latest = Math.max(latest, until);
    }
    return latest;
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

  /** The message is gone for everyone. */
  forget(seq: number): void {
    this.bySeq.delete(seq);
  }
}
