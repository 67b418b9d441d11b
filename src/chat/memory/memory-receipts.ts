import type { Clock } from '../../common/clock';
import { MESSAGE_STATUSES, type MessageStatus } from '../engine/message';
import type { Countdown, RaisedMessage, Receipt, Revealed, RevealRequest } from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { Reveals } from './reveals';
import { type Handle, NO_HANDLE } from './slab';

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
    if (!room?.members.some(({ userId }) => userId === receipt.userId)) {
      return undefined;
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
    const isMember = room?.members.some((member) => member.userId === userId);
    if (!room || !isMember || handle === NO_HANDLE || room.isGoneFor(handle, userId, now)) {
      return undefined;
    }
    const { records } = this.state;
    const seq = records.seq(handle);
    const senderId = room.people[records.sender(handle)]?.userId ?? '';
    const recipients = room.recipients(senderId);
    if (!records.isBurn(handle)) {
      return { outcome: 'ordinary' };
    }
    if (senderId === userId) {
      return { outcome: 'own' };
    }
    if (!recipients.some((member) => member.userId === userId)) {
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
      if (recipients.every((member) => room.reveals?.get(seq, member.userId))) {
        const expiresAt = room.reveals.latest(seq);
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
