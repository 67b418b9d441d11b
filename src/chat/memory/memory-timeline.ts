import { AppError } from '../../common/app-error';
import type { Clock } from '../../common/clock';
import type { Ids } from '../../common/ids';
import type { Message, MessageDraft } from '../engine/message';
import type { Appended, AppendLimits } from '../engine/room-feed';
import { draftOf, type Note } from '../engine/membership';
import type { Member } from '../engine/room';
import { Annotations, type Quoted } from './annotations';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryErasure } from './memory-erasure';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';

const SERVER_FULL = 'The server is full, wait until messages have expired';

/** What comes into rooms: messages that are sent, and notes. */
export class MemoryTimeline {
  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly deadlines: MemoryDeadlines,
    private readonly erasure: MemoryErasure,
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
      this.erasure.dropOldest(room);
    }
    const message = this.messageOf(room, draft, quoted, seenTtl !== undefined, limits.maxLifetimeMs);
    const before = room.anonymous ? this.state.records.bytes : 0;
    const handle = this.state.records.write({ message, sender, dedupeKey, seenTtl });
    if (room.anonymous) {
      this.state.countAnonymous(room, before);
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
    this.state.countMessage(room, handle, 1);
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
}
