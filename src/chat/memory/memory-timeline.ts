import { AppError } from '../../common/app-error';
import type { Clock } from '../../common/clock';
import type { Ids } from '../../common/ids';
import type { Message, MessageDraft } from '../engine/message';
import { type Appended, type AppendLimits, DEDUPE_MS, type ErasedImage, type Swept } from '../engine/room-feed';
import { draftOf, type Note } from '../engine/membership';
import type { Member } from '../engine/room';
import { Annotations, type Quoted } from './annotations';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';
import { countedOf } from './unread';

const SERVER_FULL = 'The server is full, wait until messages have expired';

/** The messages of rooms: what comes, changes and goes. */
export class MemoryTimeline {
  private erasedImages: ErasedImage[] = [];

  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly deadlines: MemoryDeadlines,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** See `RoomFeed.append`. */
  append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
    const room = this.state.rooms.get(draft.roomId);
    if (!room) {
      return undefined;
    }
    const group = draft.type === 'system' ? undefined : room.group;
    group?.assertMember(draft.senderId, this.clock.now());
    const sender = this.state.personIndex(room, draft.senderId, draft.senderUsername);
    const dedupeKey = draft.clientId === undefined ? 0 : this.state.dedupeKey(sender, draft.clientId);
    const first = dedupeKey === 0 ? undefined : room.dedupe?.get(dedupeKey);
    if (first !== undefined) {
      return { message: this.firstOf(room, first), duplicate: true };
    }
    const isFull = room.storedCount >= limits.messagesPerRoom;
    if (isFull && room.settings.messageTtl !== null) {
      throw new AppError('CapacityError', 'The room is full, wait until messages have expired');
    }
    if (this.state.records.bytes >= limits.totalBytes) {
      throw new AppError('CapacityError', SERVER_FULL);
    }
    if (limits.anonymousBytes !== undefined && this.state.anonymousBytes >= limits.anonymousBytes) {
      throw new AppError('CapacityError', SERVER_FULL);
    }
    const seenTtl = this.seenTtl(room, draft);
    const quoted = draft.replyTo === undefined ? undefined : this.quoted(room, draft.replyTo, draft.senderId);
    if (group) {
      group.admit(draft.senderId, room.settings.slowModeSeconds, this.clock.now());
      this.state.publicRooms.touch(room);
    }
    if (isFull) {
      this.dropOldest(room);
    }
    const message = this.messageOf(room, draft, quoted, seenTtl !== undefined, limits.maxLifetimeMs);
    const before = room.anonymous ? this.state.records.bytes : 0;
    const handle = this.state.records.write({ message, sender, dedupeKey, seenTtl });
    if (room.anonymous) {
      this.countAnonymous(room, before);
    }
    room.lastSeq = message.seq;
    room.lastActivity = message.createdAt;
    room.log.push(handle, message.seq);
    if (quoted) {
      room.annotations ??= new Annotations();
      room.annotations.quote(message.seq, quoted);
    }
    if (dedupeKey !== 0) {
      room.dedupe ??= new Map();
      room.dedupe.set(dedupeKey, handle);
    }
    if (message.image) {
      room.images ??= new Map();
      room.images.set(message.image.holder, { filename: message.image.filename, seq: message.seq });
    }
    this.count(room, handle, 1);
    if (message.expiresAt !== null) {
      this.deadlines.add(room, handle, message.expiresAt);
    }
    const told = draft.type === 'system' ? room.read(handle, message.createdAt) : message;
    this.hub.publish(room, { kind: 'message', message: told }, message.createdAt);
    return { message: told, duplicate: false };
  }

  /** Appends a system message; where there is no place for one, none. */
  post(room: MemoryRoom, actor: Member, note: Note, limits: AppendLimits): void {
    const isFull = room.storedCount >= limits.messagesPerRoom && room.settings.messageTtl !== null;
    if (isFull || this.state.records.bytes >= limits.totalBytes) {
      return;
    }
    if (note.target) {
      this.state.personIndex(room, note.target.userId, note.target.username);
    }
    this.append(draftOf(room.id, actor, note), limits);
  }

  /** See `RoomFeed.sweep`. */
  sweep(roomId: string, limit: number): Swept | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const now = this.clock.now();
    const { records } = this.state;
    this.deadlines.endHistory(room, limit);
    const gone = { expired: [] as string[], burned: [] as string[] };
    let erased = 0;
    for (let next = room.due.peek(); next !== undefined && erased < limit; next = room.due.peek()) {
      if (records.deadline(next) > now) {
        break;
      }
      room.due.pop();
      if (records.isHusk(next)) {
        this.forgetDuplicate(room, next);
      } else {
        gone[records.isBurning(next) ? 'burned' : 'expired'].push(records.id(next));
        this.erase(room, next, now);
        erased++;
      }
    }
    const goneFor = this.sweepCountdowns(room, now);
    this.deadlines.scheduleNext(room);
    for (const reason of ['expired', 'burned'] as const) {
      if (gone[reason].length > 0) {
        this.hub.publish(room, { kind: 'expired', messageIds: gone[reason], reason, userId: undefined });
      }
    }
    for (const [userId, messageIds] of goneFor) {
      this.hub.publish(room, { kind: 'expired', messageIds, reason: 'burned', userId });
    }
    return { erased, waiting: room.waiting };
  }

  /** Images of messages that were erased since this was asked last. */
  takeErasedImages(): ErasedImage[] {
    const images = this.erasedImages;
    if (images.length > 0) {
      this.erasedImages = [];
    }
    return images;
  }

  /** The room goes with everything in it. */
  closed(room: MemoryRoom): void {
    room.images?.forEach(({ filename }, holder) => this.erasedImages.push({ filename, holder }));
    this.state.messageCount -= room.messageCount;
    const before = this.state.records.bytes;
    // Husks first: what tells them from live records is read from both.
    for (const handle of room.dedupe?.values() ?? []) {
      this.freeHusk(handle);
    }
    for (const handle of room.log.all()) {
      this.state.records.free(handle);
    }
    this.countAnonymous(room, before);
    this.deadlines.cancel(room);
  }

  /** The lifetime of a message that starts when its recipients have seen it, seconds; undefined: it starts now. */
  private seenTtl(room: MemoryRoom, { expireFrom, ttl, senderId }: MessageDraft): number | undefined {
    if (expireFrom === 'sent' || room.recipients(senderId, room.lastSeq + 1).length === 0) {
      return undefined;
    }
    return ttl ?? room.settings.messageTtl ?? undefined;
  }

  /** The message that is answered. @throws AppError NotFoundError */
  private quoted(room: MemoryRoom, messageId: string, viewer: string): Quoted {
    const { records } = this.state;
    const now = this.clock.now();
    const handle = room.log.findById(messageId, now);
    if (handle === NO_HANDLE || !records.isCounted(handle) || room.isGoneFor(handle, viewer, now)) {
      throw new AppError('NotFoundError', 'The message that you reply to is gone');
    }
    return { id: messageId, seq: records.seq(handle), sender: records.sender(handle) };
  }

  private messageOf(
    room: MemoryRoom,
    draft: MessageDraft,
    quoted: Quoted | undefined,
    longest: boolean,
    maxLifetimeMs: number,
  ): Message {
    const createdAt = this.clock.now();
    const ttl = longest ? Infinity : (draft.ttl ?? room.settings.messageTtl);
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
      image: draft.image,
      burn: draft.burn,
      replyTo: quoted && room.quote(quoted, createdAt),
      editedAt: undefined,
      reactions: undefined,
    };
  }

  /** What a repeated send is told: the first message, or what is left of it. */
  private firstOf(room: MemoryRoom, handle: Handle): Message {
    const { records } = this.state;
    const message = room.read(handle, this.clock.now());
    if (records.isHusk(handle)) {
      return { ...message, expiresAt: records.changedAt(handle) || null };
    }
    // Due and not swept yet: as much is gone as of a husk.
    return records.deadline(handle) > this.clock.now() ? message : { ...message, content: '', image: undefined };
  }

  /** Messages that are gone for one user while others have them, by user. */
  private sweepCountdowns(room: MemoryRoom, now: number): Map<string, string[]> {
    const gone = new Map<string, string[]>();
    for (let over = room.reveals?.takeOver(now); over; over = room.reveals?.takeOver(now)) {
      const [handle] = room.log.ascending(now, over.seq, over.seq);
      if (handle !== undefined) {
        gone.set(over.userId, [...(gone.get(over.userId) ?? []), this.state.records.id(handle)]);
      }
    }
    return gone;
  }

  /** Erases a message; what makes a repeat recognisable stays until ten minutes after the send. */
  private erase(room: MemoryRoom, handle: Handle, now: number): void {
    const { records } = this.state;
    const before = records.bytes;
    this.count(room, handle, -1);
    const seq = records.seq(handle);
    room.log.remove(seq);
    room.reveals?.forget(seq);
    room.annotations?.forget(seq);
    room.reports?.forget(seq);
    this.dropImage(room, handle);
    const key = records.dedupeKey(handle);
    const rememberUntil = records.createdAt(handle) + DEDUPE_MS;
    if (key !== 0 && rememberUntil > now) {
      const husk = records.reduceToHusk(handle, rememberUntil);
      this.countAnonymous(room, before);
      room.dedupe?.set(key, husk);
      room.due.push(husk);
      return;
    }
    room.dedupe?.delete(key);
    records.free(handle);
    this.countAnonymous(room, before);
  }

  /** Makes place in a room that keeps its history. */
  private dropOldest(room: MemoryRoom): void {
    const handle = room.log.oldest();
    if (handle === NO_HANDLE) {
      return;
    }
    const id = this.state.records.id(handle);
    if (this.state.records.deadline(handle) !== Infinity) {
      room.due.remove(handle);
    }
    this.erase(room, handle, this.clock.now());
    this.deadlines.scheduleNext(room);
    this.hub.publish(room, { kind: 'expired', messageIds: [id], reason: 'expired', userId: undefined });
  }

  dropImage(room: MemoryRoom, handle: Handle): void {
    const image = room.images && this.state.records.image(handle);
    if (image && room.images?.delete(image.holder)) {
      this.erasedImages.push({ filename: image.filename, holder: image.holder });
    }
  }

  private forgetDuplicate(room: MemoryRoom, husk: Handle): void {
    room.dedupe?.delete(this.state.records.dedupeKey(husk));
    const before = this.state.records.bytes;
    this.state.records.free(husk);
    this.countAnonymous(room, before);
  }

  /** Frees a husk, which is in no log; live records are freed with theirs. */
  private freeHusk(handle: Handle): void {
    if (this.state.records.isHusk(handle)) {
      this.state.records.free(handle);
    }
  }

  /** Records were written or freed in the room since there were `before` bytes of them. */
  private countAnonymous(room: MemoryRoom, before: number): void {
    if (room.anonymous) {
      this.state.anonymousBytes += this.state.records.bytes - before;
    }
  }

  private count(room: MemoryRoom, handle: Handle, step: 1 | -1): void {
    room.storedCount += step;
    if (!this.state.records.isCounted(handle)) {
      return;
    }
    room.messageCount += step;
    this.state.messageCount += step;
    room.countStatus(handle, step);
    room.tally?.count(countedOf(this.state.records, handle), step);
  }
}
