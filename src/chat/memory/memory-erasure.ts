import type { Clock } from '../../common/clock';
import { DEDUPE_MS, type ErasedImage, type Swept } from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryDeadlines } from './memory-deadlines';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';

/** What goes: messages at their deadlines, to make place, or with their room. */
export class MemoryErasure {
  private erasedImages: ErasedImage[] = [];

  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
    private readonly deadlines: MemoryDeadlines,
    private readonly clock: Clock,
  ) {}

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
    this.state.countAnonymous(room, before);
    this.deadlines.cancel(room);
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
    this.state.countMessage(room, handle, -1);
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
      this.state.countAnonymous(room, before);
      room.dedupe?.set(key, husk);
      room.due.push(husk);
      return;
    }
    room.dedupe?.delete(key);
    records.free(handle);
    this.state.countAnonymous(room, before);
  }

  /** Makes place in a room that keeps its history. */
  dropOldest(room: MemoryRoom): void {
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

  /** The image of a message goes, if it shows one. */
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
    this.state.countAnonymous(room, before);
  }

  /** Frees a husk, which is in no log; live records are freed with theirs. */
  private freeHusk(handle: Handle): void {
    if (this.state.records.isHusk(handle)) {
      this.state.records.free(handle);
    }
  }
}
