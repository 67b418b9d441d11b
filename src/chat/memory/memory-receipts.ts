import type { Clock } from '../../common/clock';
import { MESSAGE_STATUSES, type MessageStatus } from '../engine/message';
import type { Countdown, RaisedMessage, Receipt, Revealed, RevealRequest } from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import type { MemoryGroup } from './memory-group';
import { Reveals } from './reveals';
import { type Handle, NO_HANDLE } from './slab';
import type { Level, Lowest } from './watermarks';

const DELIVERED = MESSAGE_STATUSES.indexOf('delivered');
const SEEN = MESSAGE_STATUSES.indexOf('seen');

/** What recipients make of messages: receipts, reveals, and the lifetimes and countdowns that these start. */
export class MemoryReceipts {
  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly deadlines: MemoryDeadlines,
    private readonly clock: Clock,
  ) {}

  /** See `RoomFeed.raise`. */
  raise(receipt: Receipt): { waiting: number } | undefined {
    const room = this.state.rooms.get(receipt.roomId);
    if (!room?.hasMember(receipt.userId)) {
      return undefined;
    }
    if (room.group) {
      return this.raiseMark(room, room.group, receipt);
    }
    const { records } = this.state;
    const at = this.clock.now();
    const asked = MESSAGE_STATUSES.indexOf(receipt.status);
    const { userId, socketId, status } = receipt;
    const messages: RaisedMessage[] = [];
    // A burn message becomes seen by being revealed.
    const onlyDelivered: RaisedMessage[] = [];
    for (const handle of this.covered(room, receipt, at)) {
      const isBurn = records.isBurn(handle);
      const rank = isBurn ? Math.min(asked, DELIVERED) : asked;
      const sender = room.people[records.sender(handle)];
      const risesNot = records.statusRank(handle) >= rank || !records.isCounted(handle);
      if (risesNot || !sender || sender.userId === userId || room.isGoneFor(handle, userId, at)) {
        continue;
      }
      this.setStatus(room, handle, rank, at);
      const expiresAt = rank === SEEN ? this.startLifetime(room, handle, at) : undefined;
      const raised = { id: records.id(handle), seq: records.seq(handle), senderId: sender.userId, expiresAt };
      (isBurn && rank < asked ? onlyDelivered : messages).push(raised);
    }
    if (onlyDelivered.length > 0) {
      this.hub.publish(room, { kind: 'status', status: 'delivered', userId, socketId, at, messages: onlyDelivered });
    }
    if (messages.length > 0) {
      this.hub.publish(room, { kind: 'status', status, userId, socketId, at, messages });
    }
    return messages.length + onlyDelivered.length > 0 ? { waiting: room.waiting } : undefined;
  }

  /** See `RoomFeed.reveal`. */
  reveal({ roomId, userId, messageId, revealId, socketId, delayMs }: RevealRequest): Revealed | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.findById(messageId, now) ?? NO_HANDLE;
    if (!room?.hasMember(userId) || handle === NO_HANDLE || room.isGoneFor(handle, userId, now)) {
      return undefined;
    }
    const { records } = this.state;
    const seq = records.seq(handle);
    const senderId = room.people[records.sender(handle)]?.userId ?? '';
    const recipients = room.recipients(senderId, seq);
    if (!records.isBurn(handle)) {
      return { outcome: 'ordinary' };
    }
    if (senderId === userId) {
      return { outcome: 'own' };
    }
    if (!recipients.includes(userId)) {
      return undefined;
    }
    const before = room.reveals?.get(seq, userId);
    if (before && (revealId === undefined || before.revealId !== revealId)) {
      return { outcome: 'again' };
    }
    const until = before?.until ?? Math.min(now + delayMs, records.deadline(handle));
    if (!before) {
      room.reveals ??= new Reveals();
      room.reveals.add(seq, userId, { until, revealId });
      if (recipients.every((recipient) => room.reveals?.get(seq, recipient))) {
        this.startBurning(room, handle, { userId, socketId }, room.reveals.latest(seq), now);
      } else {
        room.reveals.endSooner({ until, seq, userId });
        this.deadlines.scheduleNext(room);
      }
    }
    return { outcome: 'revealed', message: room.read(handle, now), expiresAt: until };
  }

  /** See `RoomFeed.burn`. */
  burn(roomId: string, messageId: string, delayMs: number): Countdown | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.findById(messageId, now) ?? NO_HANDLE;
    const { records } = this.state;
    if (!room || handle === NO_HANDLE || !records.isBurn(handle)) {
      return undefined;
    }
    const first = !records.isBurning(handle);
    if (first) {
      this.deadlines.move(room, handle, Math.min(now + delayMs, records.deadline(handle)), true);
    }
    return { expiresAt: records.deadline(handle), first };
  }

  /** See `RoomFeed.end`. */
  end(roomId: string, messageId: string): boolean {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.findById(messageId, now) ?? NO_HANDLE;
    if (!room || handle === NO_HANDLE) {
      return false;
    }
    this.deadlines.move(room, handle, now, this.state.records.isBurning(handle));
    return true;
  }

  /** A member is one no more: tells what rises by that. `before`: what the watermarks were. */
  left(room: MemoryRoom, userId: string, before: Readonly<Record<Level, Lowest>>): void {
    const at = this.clock.now();
    for (const status of ['seen', 'delivered'] as const) {
      const messages = this.catchUp(room, before[status], status, at);
      if (messages.length > 0) {
        this.hub.publish(room, { kind: 'status', status, userId, socketId: undefined, at, messages });
      }
    }
    this.burnWithout(room, userId, at);
  }

  /** Ends the burn messages that nobody but a member who has gone had still to reveal. */
  private burnWithout(room: MemoryRoom, userId: string, at: number): void {
    const { records } = this.state;
    const { reveals } = room;
    for (const seq of reveals?.seqs ?? []) {
      for (const handle of room.ascending(at, seq, seq)) {
        const recipients = room.recipients(room.people[records.sender(handle)]?.userId ?? '', seq);
        const isDone = recipients.length > 0 && recipients.every((recipient) => reveals?.get(seq, recipient));
        if (isDone && !records.isBurning(handle)) {
          const until = Math.max(reveals?.latest(seq) ?? at, at);
          this.startBurning(room, handle, { userId, socketId: undefined }, until, at);
        }
      }
    }
  }

  /** Everyone has revealed a burn message: it ends for all when the last countdown does. */
  private startBurning(
    room: MemoryRoom,
    handle: Handle,
    by: Pick<RevealRequest, 'userId' | 'socketId'>,
    expiresAt: number,
    at: number,
  ): void {
    const { records } = this.state;
    this.deadlines.move(room, handle, expiresAt, true);
    this.setStatus(room, handle, SEEN, at);
    const senderId = room.people[records.sender(handle)]?.userId ?? '';
    const messages = [{ id: records.id(handle), seq: records.seq(handle), senderId, expiresAt }];
    this.hub.publish(room, { kind: 'status', status: 'seen', ...by, at, messages });
  }

  private raiseMark(room: MemoryRoom, { marks }: MemoryGroup, receipt: Receipt): { waiting: number } | undefined {
    const at = this.clock.now();
    const { userId, socketId, status, range } = receipt;
    const upToSeq = 'upToSeq' in range ? Math.min(range.upToSeq, room.lastSeq) : this.seqOf(room, range.messageId, at);
    const before = marks.levels();
    if (!marks.raise(userId, status, upToSeq, at)) {
      return undefined;
    }
    const common = { kind: 'status' as const, userId, socketId, at };
    const seen = status === 'seen' ? this.catchUp(room, before.seen, 'seen', at) : undefined;
    const delivered = this.catchUp(room, before.delivered, 'delivered', at);
    if (seen && delivered.length > 0) {
      this.hub.publish(room, { ...common, status: 'delivered', messages: delivered });
    }
    this.hub.publish(room, { ...common, status, messages: seen ?? delivered, upToSeq });
    return { waiting: room.waiting };
  }

  private seqOf(room: MemoryRoom, messageId: string, now: number): number {
    const handle = room.findById(messageId, now);
    return handle === NO_HANDLE ? 0 : this.state.records.seq(handle);
  }

  /** Raises messages whose recipients have all come to a level since it was `old`. */
  private catchUp(room: MemoryRoom, old: Lowest, level: Level, at: number): RaisedMessage[] {
    const { records } = this.state;
    const marks = room.group?.marks;
    if (!marks) {
      return [];
    }
    const [lowest, joined] = [marks.lowest(level), marks.lowest('joinedSeq')];
    const rank = MESSAGE_STATUSES.indexOf(level);
    const raised: RaisedMessage[] = [];
    const [[oldFirst, oldSecond], [first, second]] = [old.both, lowest.both];
    for (const [from, to] of [
      [oldFirst, first],
      [Math.max(oldSecond, first), second],
    ] as const) {
      // Up to infinity: nobody is left for whom it rises.
      for (const handle of to > from && to < Infinity ? room.ascending(at, from + 1, to) : []) {
        const seq = records.seq(handle);
        const senderId = room.people[records.sender(handle)]?.userId ?? '';
        const rises = old.but(senderId) < seq && lowest.but(senderId) >= seq && joined.but(senderId) < seq;
        // A burn message becomes seen by being revealed.
        const cannot = !records.isCounted(handle) || (rank === SEEN && records.isBurn(handle));
        if (!rises || cannot || records.statusRank(handle) >= rank) {
          continue;
        }
        this.setStatus(room, handle, rank, at);
        const expiresAt = rank === SEEN ? this.startLifetime(room, handle, at) : undefined;
        raised.push({ id: records.id(handle), seq, senderId, expiresAt });
      }
    }
    return raised;
  }

  /** Starts the lifetime of a message that counts from being seen. Its deadline, epoch ms; undefined: it did not. */
  private startLifetime(room: MemoryRoom, handle: Handle, now: number): number | undefined {
    const { records } = this.state;
    const seenTtl = records.seenTtl(handle);
    if (seenTtl === undefined) {
      return undefined;
    }
    const deadline = Math.min(now + seenTtl * 1000, records.deadline(handle));
    this.deadlines.move(room, handle, deadline, false);
    return deadline;
  }

  private setStatus(room: MemoryRoom, handle: Handle, rank: number, at: number): void {
    room.countStatus(handle, -1);
    this.state.records.setStatus(handle, statusOf(rank), at);
    room.countStatus(handle, 1);
    room.lastChange = at;
  }

  private *covered(room: MemoryRoom, { range }: Receipt, now: number): Iterable<Handle> {
    if ('upToSeq' in range) {
      yield* room.ascending(now, 1, range.upToSeq);
      return;
    }
    const handle = room.findById(range.messageId, now);
    if (handle !== NO_HANDLE) {
      yield handle;
    }
  }
}

function statusOf(rank: number): MessageStatus {
  return MESSAGE_STATUSES[rank] ?? 'sent';
}
