import { AppError } from '../../common/app-error';
import type { Clock } from '../../common/clock';
import { DELETED_CONTENT } from '../engine/message';
import type {
  Deleted,
  DeleteRequest,
  Edited,
  EditRequest,
  MessageChange,
  Reacted,
  ReactionRequest,
} from '../engine/message-change';
import { Annotations } from './annotations';
import type { FeedHub } from './feed-hub';
import type { MemoryErasure } from './memory-erasure';
import { ranks } from './memory-group';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';
import { countedOf } from './unread';

/** A message that a member may see, and when that was found out. */
interface Found {
  readonly room: MemoryRoom;
  readonly handle: Handle;
  readonly seq: number;
  readonly own: boolean;
  readonly now: number;
}

/** What members make of messages that stand: edits, deletions, reactions. */
export class MemoryChanges {
  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly erasure: MemoryErasure,
    private readonly clock: Clock,
  ) {}

  /** See `RoomFeed.edit`. */
  edit(request: EditRequest, totalBytes: number): Edited | undefined {
    const { records } = this.state;
    const found = this.find(request);
    if (!found || records.isDeleted(found.handle)) {
      return undefined;
    }
    const { room, handle, seq, own, now } = found;
    if (records.isSystem(handle)) {
      return { outcome: 'fixed' };
    }
    if (!own) {
      return { outcome: 'foreign' };
    }
    if (records.isBurn(handle)) {
      return { outcome: 'fixed' };
    }
    const standing = room.read(handle, now);
    if (standing.content === request.content) {
      return { outcome: 'edited', message: standing };
    }
    if (records.bytes >= totalBytes) {
      throw new AppError('CapacityError', 'The server is full, wait until messages have expired');
    }
    const edited = this.replace(found, () => records.edit(handle, request.content));
    this.annotationsOf(room).edited(seq, now);
    this.changed(found, edited);
    const message = room.read(edited, now);
    this.hub.publish(room, { kind: 'edited', message }, now);
    return { outcome: 'edited', message };
  }

  /** See `RoomFeed.delete`. */
  delete(change: DeleteRequest): Deleted | undefined {
    const { records } = this.state;
    const found = this.find(change, change.erased);
    if (!found) {
      return undefined;
    }
    const { room, handle, seq, own, now } = found;
    if (change.erased) {
      room.forgetName(change.userId);
    }
    if (records.isSystem(handle)) {
      return { outcome: 'fixed' };
    }
    if (!own && !ranks(room.group?.member(change.userId)?.role, 'moderator')) {
      return { outcome: 'foreign' };
    }
    if (records.isDeleted(handle)) {
      return { outcome: 'deleted', waiting: room.waiting };
    }
    room.messageCount--;
    this.state.messageCount--;
    room.countStatus(handle, -1);
    room.tally?.count(countedOf(records, handle), -1);
    room.reveals?.forget(seq);
    room.annotations?.forget(seq);
    room.reports?.forget(seq);
    this.erasure.dropImage(room, handle);
    const tombstone = this.replace(found, () => records.reduceToTombstone(handle, DELETED_CONTENT));
    this.changed(found, tombstone);
    const { messageId, userId } = change;
    this.hub.publish(room, { kind: 'deleted', messageId, userId, at: now }, now);
    return { outcome: 'deleted', waiting: room.waiting };
  }

  /** See `RoomFeed.react`. */
  react(request: ReactionRequest): Reacted | undefined {
    const { records } = this.state;
    const found = this.find(request, request.erased);
    if (!found || records.isDeleted(found.handle)) {
      return undefined;
    }
    const { room, handle, seq, now } = found;
    if (records.isSystem(handle)) {
      return { outcome: 'fixed' };
    }
    const { messageId, userId, emoji, action } = request;
    const annotations = this.annotationsOf(room);
    if (action === 'added') {
      const added = annotations.addReaction(seq, emoji, userId);
      if (added !== 'added') {
        return { outcome: added === 'full' ? 'full' : 'done' };
      }
    } else if (!annotations.removeReaction(seq, emoji, userId)) {
      return { outcome: 'done' };
    }
    this.changed(found, handle);
    const reactions = annotations.reactionsTo(seq);
    this.hub.publish(room, { kind: 'reaction', messageId, userId, emoji, action, reactions }, now);
    return { outcome: 'done' };
  }

  private find({ roomId, userId, messageId }: MessageChange, erased = false): Found | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
    if (!room || handle === NO_HANDLE || !(erased || room.hasMember(userId)) || room.isGoneFor(handle, userId, now)) {
      return undefined;
    }
    const { records } = this.state;
    const own = room.people[records.sender(handle)]?.userId === userId;
    return { room, handle, seq: records.seq(handle), own, now };
  }

  /** Puts another record in the place of the message's, wherever that stands. */
  private replace({ room, handle, seq }: Found, rewrite: () => Handle): Handle {
    const { records } = this.state;
    const key = records.dedupeKey(handle);
    const isRemembered = room.dedupe?.get(key) === handle;
    // While the old record can still be compared with others.
    const isDue = room.due.remove(handle);
    const by = rewrite();
    room.log.replace(seq, by);
    if (isDue) {
      room.due.push(by);
    }
    if (isRemembered) {
      room.dedupe?.set(key, by);
    }
    return by;
  }

  private changed({ room, now }: Found, handle: Handle): void {
    this.state.records.touch(handle, now);
    room.lastChange = now;
  }

  private annotationsOf(room: MemoryRoom): Annotations {
    room.annotations ??= new Annotations();
    return room.annotations;
  }
}
