import { Inject, Injectable, Logger } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import { Clock } from '../../common/clock';
import { Ids } from '../../common/ids';
import { ExpiryQueue } from '../../expiry/expiry-queue';
import type { MemoryExpiryQueue } from '../../expiry/memory-expiry-queue';
import { type Message, MESSAGE_STATUSES, type MessageDraft } from '../engine/message';
import type { CloseReason, Room, RoomDraft, RoomSettings } from '../engine/room';
import {
  type Appended,
  type AppendLimits,
  DEDUPE_MS,
  EXPIRY_KIND,
  type Occupant,
  type RaisedMessage,
  type Receipt,
  RoomFeed,
  type RoomEvent,
  type RoomListener,
  type Swept,
} from '../engine/room-feed';
import { MemoryRoom } from './memory-room';
import { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';

const SEEN = MESSAGE_STATUSES.indexOf('seen');
const SENT = MESSAGE_STATUSES.indexOf('sent');

type Happening = RoomEvent extends infer E ? (E extends RoomEvent ? Omit<E, 'roomId' | 'position'> : never) : never;

/** The feed of one node: a change is made and handed to the listeners within one call. */
@Injectable()
export class MemoryRoomFeed extends RoomFeed {
  private readonly logger = new Logger(MemoryRoomFeed.name);
  private readonly listeners: RoomListener[] = [];
  /** Events that a listener caused, while it was handed another. */
  private readonly caused: RoomEvent[] = [];
  private handing = false;

  constructor(
    private readonly state: MemoryRooms,
    // The memory driver of one port beside that of another: both answer at once.
    @Inject(ExpiryQueue) private readonly queue: MemoryExpiryQueue,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    super();
  }

  override subscribe(listener: RoomListener): void {
    this.listeners.push(listener);
  }

  override onMissed(): void {}

  override follow(): void {}

  override unfollow(): void {}

  override followRoom(): void {}

  override unfollowRoom(): void {}

  override open(draft: RoomDraft, roomsPerUser: number): { room: Room; opened: boolean } {
    const standing = this.state.rooms.get(draft.id);
    if (standing) {
      return { room: standing.view(), opened: false };
    }
    if (draft.members.some(({ userId }) => (this.state.roomsOf.get(userId)?.size ?? 0) >= roomsPerUser)) {
      throw new AppError('CapacityError', 'One of you is in too many rooms');
    }
    const room = new MemoryRoom(draft, this.state.records);
    room.position = this.state.lastPosition;
    this.state.rooms.set(room.id, room);
    for (const { userId } of draft.members) {
      this.listOf(userId).add(room.id);
    }
    this.publish(room, { kind: 'opened', room: room.view(), openedBy: draft.openedBy });
    return { room: room.view(), opened: true };
  }

  override append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
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
    this.publish(room, { kind: 'message', message }, message.createdAt);
    return { message, duplicate: false };
  }

  override raise(receipt: Receipt): { waiting: number } | undefined {
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
    this.publish(room, { kind: 'status', status, userId, socketId, at, messages });
    return { waiting: room.waiting };
  }

  override configure(roomId: string, settings: Partial<RoomSettings>): Room | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const named = Object.entries(settings).filter(([, value]) => value !== undefined);
    room.settings = Object.freeze({ ...room.settings, ...(Object.fromEntries(named) as Partial<RoomSettings>) });
    room.lastActivity = this.clock.now();
    this.publish(room, { kind: 'updated', room: room.view() });
    return room.view();
  }

  override setPublicKey(roomId: string, userId: string, publicKey: string): void {
    const room = this.state.rooms.get(roomId);
    if (room && room.publicKeys[userId] !== publicKey) {
      room.publicKeys = { ...room.publicKeys, [userId]: publicKey };
      this.publish(room, { kind: 'key', userId, publicKey });
    }
  }

  override enter({ roomId, userId, socketId }: Occupant): void {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return;
    }
    take(room.leftSockets, userId, socketId);
    if (put(room.joined, userId, socketId)) {
      this.countParticipant(room, 1);
      this.publish(room, { kind: 'joined', userId, activeUsers: room.activeUsers() });
    }
  }

  override leave(occupant: Occupant): void {
    const room = this.state.rooms.get(occupant.roomId);
    if (room) {
      put(room.leftSockets, occupant.userId, occupant.socketId);
      this.exit(room, occupant);
    }
  }

  override forget(occupant: Occupant): void {
    const room = this.state.rooms.get(occupant.roomId);
    if (room) {
      take(room.leftSockets, occupant.userId, occupant.socketId);
      this.exit(room, occupant);
    }
  }

  /** A node that is gone took all of this along. */
  override roomsOfNode(): string[] {
    return [];
  }

  override evict(): void {}

  override sweep(roomId: string, limit: number): Swept | undefined {
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
      this.publish(room, { kind: 'expired', messageIds, reason: 'expired' });
    }
    return { erased: messageIds.length, waiting: room.waiting };
  }

  override close(roomId: string, reason: CloseReason, ifPosition?: number): boolean {
    const room = this.state.rooms.get(roomId);
    if (!room || (ifPosition !== undefined && room.position !== ifPosition)) {
      return false;
    }
    this.state.rooms.delete(roomId);
    for (const { userId } of room.members) {
      const list = this.state.roomsOf.get(userId);
      if (list?.delete(roomId) && list.size === 0) {
        this.state.roomsOf.delete(userId);
      }
    }
    this.state.messageCount -= room.messageCount;
    this.state.participants -= room.joined.size;
    this.state.occupied -= room.joined.size > 0 ? 1 : 0;
    // Husks first: what tells them from live records is read from both.
    for (const handle of room.dedupe?.values() ?? []) {
      this.freeHusk(handle);
    }
    for (const handle of room.all()) {
      this.state.records.free(handle);
    }
    this.queue.cancel(EXPIRY_KIND, roomId);
    this.state.lastPosition = Math.max(this.state.lastPosition, room.position + 1);
    this.publish(room, { kind: 'closed', reason });
    return true;
  }

  private publish(room: MemoryRoom, happening: Happening, at = this.clock.now()): void {
    room.position++;
    room.lastEvent = at;
    const event = { roomId: room.id, position: room.position, ...happening } as RoomEvent;
    if (this.handing) {
      this.caused.push(event);
      return;
    }
    this.handing = true;
    for (let next: RoomEvent | undefined = event; next; next = this.caused.shift()) {
      this.handOn(next);
    }
    this.handing = false;
  }

  private handOn(event: RoomEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        // The change is made: one listener's failure is neither its caller's nor that of the others.
        this.logger.error({ err: error, kind: event.kind }, 'A listener of the feed failed');
      }
    }
  }

  private listOf(userId: string): Set<string> {
    let list = this.state.roomsOf.get(userId);
    if (!list) {
      list = new Set();
      this.state.roomsOf.set(userId, list);
    }
    return list;
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

  /** After the change of `joined`. */
  private countParticipant(room: MemoryRoom, step: 1 | -1): void {
    this.state.participants += step;
    if (room.joined.size === (step === 1 ? 1 : 0)) {
      this.state.occupied += step;
    }
  }

  private exit(room: MemoryRoom, { userId, socketId }: Occupant): void {
    if (take(room.joined, userId, socketId)) {
      this.countParticipant(room, -1);
      this.publish(room, { kind: 'left', userId, activeUsers: room.activeUsers() });
    }
  }
}

/** True where it is the user's first. */
function put(sets: Map<string, Set<string>>, userId: string, socketId: string): boolean {
  const set = sets.get(userId);
  if (set) {
    set.add(socketId);
    return false;
  }
  sets.set(userId, new Set([socketId]));
  return true;
}

/** True where it was the user's last. */
function take(sets: Map<string, Set<string>>, userId: string, socketId: string): boolean {
  const set = sets.get(userId);
  return set !== undefined && set.delete(socketId) && set.size === 0 && sets.delete(userId);
}
