import type { MemberReceipt } from '../engine/message.store';

interface Mark {
  /** Everything up to this seq is delivered to the member, or seen; before their first receipt: when they joined. */
  delivered: number;
  seen: number;
  readonly joinedSeq: number;
  /** Epoch ms; undefined before the first receipt. */
  deliveredAt: number | undefined;
  seenAt: number | undefined;
}

export type Level = 'delivered' | 'seen';
/** The lowest of all numbers that members have. */
export type Lows = Readonly<Record<Level | 'joinedSeq', Lowest>>;

/** The lowest of a number over all members, and the lowest but that member's. */
export class Lowest {
  private first = Infinity;
  private second = Infinity;
  private userId: string | undefined;

  add(userId: string, value: number): void {
    if (value < this.first) {
      [this.second, this.first, this.userId] = [this.first, value, userId];
    } else if (value < this.second) {
      this.second = value;
    }
  }

  /** The lowest of everyone but this user; Infinity: there is nobody else. */
  but(userId: string): number {
    return this.userId === userId ? this.second : this.first;
  }

  /** Both numbers, ascending. */
  get both(): readonly [number, number] {
    return [this.first, this.second];
  }
}

/** How far each member of a room has come. Who joins later counts as having seen what was before. */
export class Watermarks {
  private readonly marks = new Map<string, Mark>();

  add(userId: string, joinedSeq: number): void {
    const mark = { delivered: joinedSeq, seen: joinedSeq, joinedSeq, deliveredAt: undefined, seenAt: undefined };
    this.marks.set(userId, mark);
  }

  remove(userId: string): void {
    this.marks.delete(userId);
  }

  /** The last seq that the member has seen; Infinity for who is none. */
  seenBy(userId: string): number {
    return this.marks.get(userId)?.seen ?? Infinity;
  }

  /** The room's last seq when the present membership began; Infinity for who is no member. */
  joinedSeq(userId: string): number {
    return this.marks.get(userId)?.joinedSeq ?? Infinity;
  }

  /** False where the member was that far before. What is seen is delivered. */
  raise(userId: string, level: Level, seq: number, at: number): boolean {
    const mark = this.marks.get(userId);
    if (!mark || mark[level] >= seq) {
      return false;
    }
    if (level === 'seen') {
      mark.seen = seq;
      mark.seenAt = at;
    }
    if (mark.delivered < seq) {
      mark.delivered = seq;
      mark.deliveredAt = at;
    }
    return true;
  }

  /** The lowest of both levels. */
  levels(): Readonly<Record<Level, Lowest>> {
    return { delivered: this.lowest('delivered'), seen: this.lowest('seen') };
  }

  lows(): Lows {
    return { ...this.levels(), joinedSeq: this.lowest('joinedSeq') };
  }

  lowest(of: Level | 'joinedSeq'): Lowest {
    const lowest = new Lowest();
    for (const [userId, mark] of this.marks) {
      lowest.add(userId, mark[of]);
    }
    return lowest;
  }

  /** Members to whom somebody's message was sent, and since when they have it. */
  receipts(seq: number, senderId: string): MemberReceipt[] {
    return [...this.marks]
      .filter(([userId, { joinedSeq }]) => userId !== senderId && joinedSeq < seq)
      .map(([userId, mark]) => ({
        userId,
        deliveredAt: mark.delivered >= seq ? mark.deliveredAt : undefined,
        seenAt: mark.seen >= seq ? mark.seenAt : undefined,
      }));
  }
}
