import { type Entry, type JoinAck, type Point, type Range, rank, type Shown, type Status } from './log';

/** A message as a client holds it. */
export interface Held {
  message: Shown;
  status: Status;
  /** Epoch ms. */
  expiresAt: number;
}

/**
 * What a client keeps of its room, and the client rule for `since` (chat.md, Resume; docs/events.md has it as code). The
 * clients of the workload go by it, and the checker plays it again from the log to see what they were left with.
 */
export class RoomCopy {
  /** By seq. */
  readonly held = new Map<number, Held>();
  /** The next `since`, `epoch` and `sinceTime`; undefined: the next join is one without. */
  point: Point | undefined;
  /** Whether `message:new` goes on right behind the point. */
  current = false;
  /** Messages before this seq were not asked for: a first join tells the newest only. */
  from = 1;

  /** Number of the last entry that told this client to forget the room. */
  private dropped = 0;
  /** Number of the last leave in the log. */
  private left = 0;
  /** What was held when this client asked for a raise. */
  private readonly raising = new WeakMap<Entry, Set<string>>();

  constructor(private readonly userId: string) {}

  /** Takes in one entry of this client's log. */
  apply(entry: Entry): void {
    if ('told' in entry) {
      this.applyTold(entry);
      if (entry.told === 'closed' || entry.told === 'kicked') {
        this.dropped = entry.n;
      }
    } else if ('ask' in entry) {
      if (entry.ask === 'leave') {
        // From here the socket is not told everything: nothing may raise the point until the next join.
        this.left = entry.n;
        this.current = false;
      } else if (entry.ask === 'raise') {
        this.raising.set(entry, new Set([...this.held.values()].map(({ message }) => message.id)));
      }
    } else if (entry.answer === 'joined' && entry.to.ask === 'join') {
      if (entry.to.point !== undefined && !entry.joined.gap && entry.to.n < this.dropped) {
        // It goes on from what is held no more: the next join is one without a point.
        return;
      }
      this.join(entry.joined, entry.to.point);
      this.current &&= entry.to.n > this.left;
    } else if (entry.answer === 'done' && entry.to.ask === 'raise') {
      // What came while the raise was under way may have been stored after it.
      this.raiseOwn(entry.to.range, entry.to.status, this.raising.get(entry.to));
    }
  }

  private applyTold(entry: Extract<Entry, { told: string }>): void {
    switch (entry.told) {
      case 'new': {
        const { message } = entry;
        this.put(message);
        if (this.current && this.point && message.seq > this.point.since) {
          this.point = { ...this.point, since: message.seq };
        }
        return;
      }
      case 'edited':
        return this.edit(entry.message);
      case 'deleted':
        return this.bury(entry.messageId);
      case 'expired':
        return this.drop(({ message }) => entry.ids.includes(message.id));
      case 'status':
        this.raise(entry.range, entry.status, entry.userId);
        return this.move(entry.range, entry.expiresAt);
      case 'closed':
      case 'kicked':
        this.drop(() => true);
        this.point = undefined;
        this.current = false;
        return;
      case 'connect':
      case 'disconnect':
        this.current = false;
        return;
      case 'foreign':
        return;
    }
  }

  private join(ack: JoinAck, asked: Point | undefined): void {
    const anew = asked === undefined || ack.gap;
    const stands = (seq: number): boolean =>
      !anew && seq <= asked.since && ack.live.some(([first, last]) => first <= seq && seq <= last);
    this.drop(({ message }) => !stands(message.seq));
    if (anew) {
      this.from = ack.more ? (ack.messages[0]?.seq ?? 1) : 1;
    }
    [...ack.changed, ...ack.messages].forEach((message) => this.put(message, true));
    this.point = { since: ack.lastSeq, epoch: ack.epoch, sinceTime: ack.serverTime };
    this.current = anew || !ack.more;
  }

  private put(message: Shown, anew = false): void {
    const held = this.held.get(message.seq);
    if (anew || held?.message.id !== message.id) {
      this.held.set(message.seq, { message, status: message.status, expiresAt: message.expiresAt });
    }
  }

  private edit(message: Shown): void {
    const held = this.held.get(message.seq);
    if (held?.message.id === message.id) {
      // An ack may overtake events: what the client knows already does not fall back.
      const status = rank(held.status) > rank(message.status) ? held.status : message.status;
      this.held.set(message.seq, { message, status, expiresAt: Math.min(held.expiresAt, message.expiresAt) });
    }
  }

  private bury(id: string): void {
    for (const held of this.held.values()) {
      if (held.message.id === id) {
        held.message = { ...held.message, type: 'deleted', version: undefined };
      }
    }
  }

  private move(range: Range, expiresAt: number | undefined): void {
    for (const held of this.held.values()) {
      if (expiresAt !== undefined && 'messageId' in range && held.message.id === range.messageId) {
        held.expiresAt = expiresAt;
      }
    }
  }

  /** What the server says of the status of messages that others than this user sent. */
  private raise(range: Range, status: Status, userId: string): void {
    for (const held of this.held.values()) {
      const { burn, senderId } = held.message;
      // A burn message becomes seen by being revealed, which is told of it alone.
      const meant = within(range, held.message) && ('messageId' in range || status !== 'seen' || !burn);
      if (meant && senderId !== userId) {
        rise(held, status);
      }
    }
  }

  /** The server tells a receipt's own connection no more than that it took it. */
  private raiseOwn(range: Range, status: Status, among: ReadonlySet<string> | undefined): void {
    for (const held of this.held.values()) {
      const { id, burn, senderId } = held.message;
      if (within(range, held.message) && among?.has(id) && senderId !== this.userId) {
        rise(held, burn ? 'delivered' : status);
      }
    }
  }

  private drop(gone: (held: Held) => boolean): void {
    for (const [seq, held] of this.held) {
      if (gone(held)) {
        this.held.delete(seq);
      }
    }
  }
}

function within(range: Range, { id, seq }: Shown): boolean {
  return 'messageId' in range ? id === range.messageId : seq <= range.upToSeq;
}

/** Statuses only rise, and that of a system message never changes. */
function rise(held: Held, status: Status): void {
  if (held.message.type !== 'system' && rank(status) > rank(held.status)) {
    held.status = status;
  }
}
