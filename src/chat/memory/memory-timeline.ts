import { AppError } from '../../common/app-error';
import type { Clock } from '../../common/clock';
import type { Ids } from '../../common/ids';
import type { MemoryExpiryQueue } from '../../expiry/memory-expiry-queue';
import { type Message, MESSAGE_STATUSES, type MessageDraft } from '../engine/message';
import {
  type Appended,
  type AppendLimits,
  DEDUPE_MS,
  EXPIRY_KIND,
  type RaisedMessage,
  type Receipt,
  type Swept,
} from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';

const SEEN = MESSAGE_STATUSES.indexOf('seen');
const SENT = MESSAGE_STATUSES.indexOf('sent');

/** The messages of rooms: what comes, changes and goes. */
export class MemoryTimeline {
  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly queue: MemoryExpiryQueue,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** See `RoomFeed.append`. */
  append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
    const room = this.state.rooms.get(draft.roomId);
    if (!room) {
      return undefined;
    }
    const sender = room.personIndex(draft.senderId, draft.senderUsername);
    const dedupeKey = draft.clientId === undefined ? 0 : this.state.dedupeKey(sender, draft.clientId);
    const first = dedupeKey === 0 ? undefined : room.dedupe?.get(dedupeKey);
    if (first !== undefined) {
      return { message: this.firstOf(room, first), duplicate: true };
    }
    if (room.storedCount >= limits.messagesPerRoom) {
      throw new AppError('CapacityError', 'The room is full, wait until messages have expired');
    }
    if (this.state.records.bytes >= limits.totalBytes) {
      throw new AppError('CapacityError', 'The server is full, wait until messages have expired');
    }
    const message = this.messageOf(room, draft, limits.maxLifetimeMs);
    const handle = this.state.records.write({ message, sender, dedupeKey });
    room.lastSeq = message.seq;
    room.lastActivity = message.createdAt;
    room.push(handle);
    if (dedupeKey !== 0) {
      room.dedupe ??= new Map();
      room.dedupe.set(dedupeKey, handle);
    }
    this.count(room, handle, 1);
    if (message.expiresAt !== null) {
      this.await(room, handle, message.expiresAt);
    }
    this.hub.publish(room, { kind: 'message', message }, message.createdAt);
    return { message, duplicate: false };
  }

  /** See `RoomFeed.raise`. */
  raise(receipt: Receipt): { waiting: number } | undefined {
    const room = this.state.rooms.get(receipt.roomId);
    if (!room?.members.some(({ userId }) => userId === receipt.userId)) {
      return undefined;
    }
    const { records } = this.state;
    const at = this.clock.now();
    const rank = MESSAGE_STATUSES.indexOf(receipt.status);
    const messages: RaisedMessage[] = [];
    for (const handle of this.covered(room, receipt, at)) {
      const before = records.statusRank(handle);
      const sender = room.people[records.sender(handle)];
      if (before >= rank || records.isSystem(handle) || !sender || sender.userId === receipt.userId) {
        continue;
      }
      this.countStatus(room, handle, -1);
      records.setStatus(handle, receipt.status, at);
      this.countStatus(room, handle, 1);
      messages.push({ id: records.id(handle), seq: records.seq(handle), senderId: sender.userId });
    }
    if (messages.length === 0) {
      return undefined;
    }
    room.lastChange = at;
    const { status, userId, socketId } = receipt;
    this.hub.publish(room, { kind: 'status', status, userId, socketId, at, messages });
    return { waiting: room.waiting };
  }

  /** See `RoomFeed.sweep`. */
  sweep(roomId: string, limit: number): Swept | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const now = this.clock.now();
    const messageIds: string[] = [];
    for (let next = room.due.peek(); next !== undefined && messageIds.length < limit; next = room.due.peek()) {
      if (this.state.records.deadline(next) > now) {
        break;
      }
      room.due.pop();
      if (this.state.records.isHusk(next)) {
        this.forgetDuplicate(room, next);
      } else {
        messageIds.push(this.state.records.id(next));
        this.erase(room, next, now);
      }
    }
    const next = room.due.peek();
    if (next !== undefined) {
      this.queue.schedule(EXPIRY_KIND, roomId, this.state.records.deadline(next));
    }
    if (messageIds.length > 0) {
      this.hub.publish(room, { kind: 'expired', messageIds, reason: 'expired' });
    }
    return { erased: messageIds.length, waiting: room.waiting };
  }

  /** The room goes with everything in it. */
  closed(room: MemoryRoom): void {
    this.state.messageCount -= room.messageCount;
    // Husks first: what tells them from live records is read from both.
    for (const handle of room.dedupe?.values() ?? []) {
      this.freeHusk(handle);
    }
    for (const handle of room.all()) {
      this.state.records.free(handle);
    }
    this.queue.cancel(EXPIRY_KIND, room.id);
  }

  private messageOf(room: MemoryRoom, draft: MessageDraft, maxLifetimeMs: number): Message {
    const createdAt = this.clock.now();
    const ttl = draft.ttl ?? room.settings.messageTtl;
    return {
      id: this.ids.messageId(createdAt),
      roomId: room.id,
      seq: room.lastSeq + 1,
      senderId: draft.senderId,
      senderUsername: draft.senderUsername,
      type: draft.type,
      content: draft.content,
      status: draft.type === 'system' ? 'delivered' : 'sent',
      createdAt,
      expiresAt: ttl === null ? null : createdAt + Math.min(ttl * 1000, maxLifetimeMs),
      clientId: draft.clientId,
      system: draft.system,
    };
  }

  /** What a repeated send is told: the first message, or what is left of it. */
  private firstOf(room: MemoryRoom, handle: Handle): Message {
    const { records } = this.state;
    const message = records.read(handle, room.id, room.people);
    if (records.isHusk(handle)) {
      return { ...message, expiresAt: records.changedAt(handle) };
    }
    // Due and not swept yet: as much is gone as of a husk.
    return records.deadline(handle) > this.clock.now() ? message : { ...message, content: '' };
  }

  private await(room: MemoryRoom, handle: Handle, deadline: number): void {
    const before = room.due.peek();
    room.due.push(handle);
    if (before === undefined || room.due.peek() === handle) {
      this.queue.schedule(EXPIRY_KIND, room.id, deadline);
    }
  }

  /** Erases a message; what makes a repeat recognisable stays until ten minutes after the send. */
  private erase(room: MemoryRoom, handle: Handle, now: number): void {
    const { records } = this.state;
    this.count(room, handle, -1);
    room.remove(records.seq(handle));
    const key = records.dedupeKey(handle);
    const rememberUntil = records.createdAt(handle) + DEDUPE_MS;
    if (key !== 0 && rememberUntil > now) {
      const husk = records.reduceToHusk(handle, rememberUntil);
      room.dedupe?.set(key, husk);
      room.due.push(husk);
      return;
    }
    room.dedupe?.delete(key);
    records.free(handle);
  }

  private forgetDuplicate(room: MemoryRoom, husk: Handle): void {
    room.dedupe?.delete(this.state.records.dedupeKey(husk));
    this.state.records.free(husk);
  }

  /** Frees a husk, which is in no log; live records are freed with theirs. */
  private freeHusk(handle: Handle): void {
    if (this.state.records.isHusk(handle)) {
      this.state.records.free(handle);
    }
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

  private count(room: MemoryRoom, handle: Handle, step: 1 | -1): void {
    room.storedCount += step;
    if (this.state.records.isSystem(handle)) {
      return;
    }
    room.messageCount += step;
    this.state.messageCount += step;
    this.countStatus(room, handle, step);
  }

  private countStatus(room: MemoryRoom, handle: Handle, step: 1 | -1): void {
    const rank = this.state.records.statusRank(handle);
    if (rank === SENT) {
      room.waiting += step;
    }
    if (rank >= SEEN) {
      return;
    }
    const sender = this.state.records.sender(handle);
    for (let member = 0; member < room.unread.length; member++) {
      if (member !== sender) {
        room.unread[member] = (room.unread[member] ?? 0) + step;
      }
    }
  }
}
