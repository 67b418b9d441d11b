import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock';
import type { Message } from '../engine/message';
import {
  MAX_CHANGED,
  type MemberReceipt,
  MessageStore,
  type RoomMarks,
  type PageLimits,
  type ResumePoint,
  type Snapshot,
} from '../engine/message.store';
import type { Report } from '../engine/report';
import type { MemoryRoom } from './memory-room';
import { MemoryRooms } from './memory-rooms';
import { type Handle, NO_HANDLE } from './slab';

/** Bytes of a message on the wire besides its content, roughly. */
const ENVELOPE_BYTES = 400;

interface Page {
  readonly messages: Message[];
  readonly more: boolean;
}

/** Who reads what, and when. */
interface Reading {
  readonly room: MemoryRoom;
  readonly viewer: string;
  readonly now: number;
}

@Injectable()
export class MemoryMessageStore extends MessageStore {
  constructor(
    private readonly state: MemoryRooms,
    private readonly clock: Clock,
  ) {
    super();
  }

  override find(roomId: string, viewer: string, messageId: string): Message | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
    const found = room !== undefined && handle !== NO_HANDLE && !room.isGoneFor(handle, viewer, now);
    return found ? room.read(handle, now) : undefined;
  }

  override findShowing(roomId: string, viewer: string, holder: string): Message | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const seq = room?.images?.get(holder)?.seq;
    if (!room || seq === undefined) {
      return undefined;
    }
    const [handle] = room.log.ascending(now, seq, seq);
    return handle === undefined || room.isGoneFor(handle, viewer, now) ? undefined : room.read(handle, now);
  }

  override page(roomId: string, viewer: string, before: number | undefined, limits: PageLimits): Page {
    const room = this.state.rooms.get(roomId);
    return room ? this.newest({ room, viewer, now: this.clock.now() }, before, limits) : { messages: [], more: false };
  }

  override receipts(
    roomId: string,
    userId: string,
    messageId: string,
  ): readonly MemberReceipt[] | 'foreign' | undefined {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
    const { records } = this.state;
    if (!room?.hasMember(userId) || handle === NO_HANDLE || records.isDeleted(handle)) {
      return undefined;
    }
    const senderId = room.people[records.sender(handle)]?.userId;
    if (senderId !== userId || !records.isCounted(handle)) {
      return 'foreign';
    }
    const seq = records.seq(handle);
    if (!room.group) {
      const times = records.statusTimes(handle);
      return room.recipients(userId, seq).map((recipient) => ({ userId: recipient, ...times }));
    }
    const receipts = room.group.marks.receipts(seq, userId);
    return records.isBurn(handle) ? receipts.map((receipt) => receiptOfBurn(room, seq, receipt)) : receipts;
  }

  override isRevealed(roomId: string, userId: string, messageId: string): boolean {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const handle = room?.log.findById(messageId, now) ?? NO_HANDLE;
    const reveal = handle === NO_HANDLE ? undefined : room?.reveals?.get(this.state.records.seq(handle), userId);
    return reveal !== undefined && reveal.until > now;
  }

  override reports(roomId: string): Report[] {
    const now = this.clock.now();
    const room = this.state.rooms.get(roomId);
    const found: Report[] = [];
    for (const [seq, reports] of room?.reports?.entries() ?? []) {
      for (const _live of room?.log.ascending(now, seq, seq) ?? []) {
        found.push(...reports.values());
      }
    }
    return found.sort((a, b) => b.createdAt - a.createdAt);
  }

  override snapshot(
    roomId: string,
    viewer: string,
    from: ResumePoint | undefined,
    limits: PageLimits,
  ): Snapshot | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    // One instant for all of it: what expires while it is read would be in one part and not in another.
    const reading = { room, viewer, now: this.clock.now() };
    const watermarks = marksOf(room, viewer);
    const common = { room: room.view(), activeUsers: room.activeUsers(), at: reading.now, watermarks };
    if (from && from.epoch === room.epoch && from.since <= room.lastSeq) {
      const changed = this.changed(reading, from);
      if (changed.length <= MAX_CHANGED) {
        const { messages, more } = this.take(reading, room.log.ascending(reading.now, from.since + 1), limits);
        const last = more ? messages.at(-1) : undefined;
        const live = this.liveRanges(reading, from.since);
        return { ...common, messages, more, live, changed, gap: false, lastSeq: last?.seq ?? room.lastSeq };
      }
    }
    const { messages, more } = this.newest(reading, undefined, limits);
    return { ...common, messages, more, live: [], changed: [], gap: from !== undefined, lastSeq: room.lastSeq };
  }

  private newest(reading: Reading, before: number | undefined, limits: PageLimits): Page {
    const { messages, more } = this.take(reading, reading.room.log.descending(reading.now, before), limits);
    return { messages: messages.reverse(), more };
  }

  private take({ room, viewer, now }: Reading, handles: Iterable<Handle>, limits: PageLimits): Page {
    const messages: Message[] = [];
    let bytes = 0;
    for (const handle of handles) {
      if (room.isGoneFor(handle, viewer, now)) {
        continue;
      }
      bytes += this.state.records.contentLength(handle) + ENVELOPE_BYTES;
      if (messages.length >= limits.count || (bytes > limits.bytes && messages.length > 0)) {
        return { messages, more: true };
      }
      messages.push(room.read(handle, now));
    }
    return { messages, more: false };
  }

  /** Messages up to the resume point that were changed since; one more than `MAX_CHANGED` at most. */
  private changed({ room, viewer, now }: Reading, from: ResumePoint): Message[] {
    const changed: Message[] = [];
    if (from.sinceTime === undefined || room.lastChange < from.sinceTime) {
      return changed;
    }
    const { records } = this.state;
    for (const handle of room.log.ascending(now, 1, from.since)) {
      if (records.hasChangedSince(handle, from.sinceTime) && !room.isGoneFor(handle, viewer, now)) {
        changed.push(room.read(handle, now));
        if (changed.length > MAX_CHANGED) {
          break;
        }
      }
    }
    return changed;
  }

  private liveRanges({ room, viewer, now }: Reading, upTo: number): [number, number][] {
    const ranges: [number, number][] = [];
    let current: [number, number] | undefined;
    for (const handle of room.log.ascending(now, 1, upTo)) {
      if (this.state.records.isDeleted(handle) || room.isGoneFor(handle, viewer, now)) {
        continue;
      }
      const seq = this.state.records.seq(handle);
      if (current && current[1] === seq - 1) {
        current[1] = seq;
      } else {
        current = [seq, seq];
        ranges.push(current);
      }
    }
    return ranges;
  }
}

/** A burn message is seen by its reveal alone. */
function receiptOfBurn({ reveals }: MemoryRoom, seq: number, { userId, deliveredAt }: MemberReceipt): MemberReceipt {
  const seenAt = reveals?.get(seq, userId)?.at;
  return { userId, deliveredAt: seenAt === undefined ? deliveredAt : Math.min(deliveredAt ?? seenAt, seenAt), seenAt };
}

function marksOf({ group }: MemoryRoom, viewer: string): RoomMarks | undefined {
  if (!group) {
    return undefined;
  }
  const { delivered, seen } = group.marks.levels();
  const [lowestDelivered, lowestSeen] = [delivered.but(viewer), seen.but(viewer)];
  return lowestSeen === Infinity ? { delivered: 0, seen: 0 } : { delivered: lowestDelivered, seen: lowestSeen };
}
