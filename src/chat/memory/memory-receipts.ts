import type { Clock } from '../../common/clock';
import { MESSAGE_STATUSES, type MessageStatus } from '../engine/message';
import type { RaisedMessage } from '../engine/room-event';
import type { Countdown, Receipt, Revealed, RevealRequest } from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import type { MemoryGroup } from './memory-group';
import { Reveals } from './reveals';
import { type Handle, NO_HANDLE } from './slab';
import type { Level, Lowest, Lows } from './watermarks';

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
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
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
      room.reveals.add(seq, userId, { until, at: now, revealId });
      const expiresAt = room.reveals.lastOf(seq, recipients);
      if (expiresAt !== undefined) {
        this.deadlines.move(room, handle, expiresAt, true);
        this.setStatus(room, handle, SEEN, now);
        const messages = [{ id: messageId, seq, senderId, expiresAt }];
        this.hub.publish(room, { kind: 'status', status: 'seen', userId, socketId, at: now, messages });
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
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
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
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
    if (!room || handle === NO_HANDLE) {
      return false;
    }
    this.deadlines.move(room, handle, now, this.state.records.isBurning(handle));
    return true;
  }

  /** A member is one no more: tells what rises, begins or ends by that. `before`: what the watermarks were. */
  left(room: MemoryRoom, userId: string, before: Lows): void {
    const at = this.clock.now();
    const seen = [...this.catchUp(room, before.seen, 'seen', at), ...this.endBurns(room, userId, at)];
    const told: Record<MessageStatus, RaisedMessage[]> = {
      seen: seen.sort((a, b) => a.seq - b.seq),
      delivered: this.catchUp(room, before.delivered, 'delivered', at),
      sent: [],
    };
    for (const [status, message] of this.startUnread(room, before.joinedSeq, at)) {
      told[status].push(message);
    }
    for (const status of ['seen', 'delivered', 'sent'] as const) {
      const messages = told[status];
      if (messages.length > 0) {
        this.hub.publish(room, { kind: 'status', status, userId, socketId: undefined, at, messages });
      }
    }
  }

  /** Burn messages that all who are left have revealed end with the last of their countdowns. */
  private endBurns(room: MemoryRoom, userId: string, at: number): RaisedMessage[] {
    const { records } = this.state;
    const ended: RaisedMessage[] = [];
    room.reveals?.forgetUser(userId);
    for (const seq of room.reveals?.seqs ?? []) {
      const [handle] = room.log.ascending(at, seq, seq);
      const senderId = handle === undefined ? '' : (room.people[records.sender(handle)]?.userId ?? '');
      const last = room.reveals?.lastOf(seq, room.recipients(senderId, seq));
      if (handle === undefined || last === undefined || last >= records.deadline(handle)) {
        continue;
      }
      const expiresAt = Math.max(last, at);
      this.setStatus(room, handle, SEEN, at);
      this.deadlines.move(room, handle, expiresAt, true);
      ended.push({ id: records.id(handle), seq, senderId, expiresAt });
    }
    return ended;
  }

  /**
   * Starts lifetimes that waited for recipients of whom none is left since it was `old`: they count from the send
   * (chat.md). The status stays. Nothing where nobody at all is left: the room goes.
   */
  private startUnread(room: MemoryRoom, old: Lowest, at: number): [MessageStatus, RaisedMessage][] {
    const { records } = this.state;
    const joined = room.group?.marks.lowest('joinedSeq');
    const started: [MessageStatus, RaisedMessage][] = [];
    for (const [from, to] of joined?.both[0] === Infinity ? [] : rises(old, joined)) {
      for (const handle of room.log.ascending(at, from + 1, to)) {
        const seq = records.seq(handle);
        const senderId = room.people[records.sender(handle)]?.userId ?? '';
        const seenTtl = old.but(senderId) < seq && (joined?.but(senderId) ?? 0) >= seq && records.seenTtl(handle);
        const rank = records.statusRank(handle);
        if (!seenTtl || rank === SEEN || !records.isCounted(handle)) {
          continue;
        }
        const end = Math.max(at, records.createdAt(handle) + seenTtl * 1000);
        const expiresAt = Math.min(end, records.deadline(handle));
        records.touch(handle, at);
        room.lastChange = at;
        this.deadlines.move(room, handle, expiresAt, false);
        started.push([statusOf(rank), { id: records.id(handle), seq, senderId, expiresAt }]);
      }
    }
    return started;
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
    const handle = room.log.findById(messageId, now);
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
    for (const [from, to] of rises(old, lowest)) {
      // Up to infinity: nobody is left for whom it rises.
      for (const handle of to < Infinity ? room.log.ascending(at, from + 1, to) : []) {
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
      yield* room.log.ascending(now, 1, range.upToSeq);
      return;
    }
    const handle = room.log.findById(range.messageId, now);
    if (handle !== NO_HANDLE) {
      yield handle;
    }
  }
}

/** Where the two lowest rose: what lies in between is what may be another way by it. */
function rises(old: Lowest, now = old): [from: number, to: number][] {
  const [[oldFirst, oldSecond], [first, second]] = [old.both, now.both];
  const ranges: [number, number][] = [
    [oldFirst, first],
    [Math.max(oldSecond, first), second],
  ];
  return ranges.filter(([from, to]) => to > from);
}

function statusOf(rank: number): MessageStatus {
  return MESSAGE_STATUSES[rank] ?? 'sent';
}
