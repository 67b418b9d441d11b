import type { Clock } from '../../common/clock';
import type { MemoryExpiryQueue } from '../../expiry/memory-expiry-queue';
import { EXPIRY_KIND } from '../engine/room-feed';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';
import type { Handle } from './slab';

/** The deadlines of messages, and the earliest of each room on the expiry queue. */
export class MemoryDeadlines {
  constructor(
    private readonly state: MemoryRooms,
    private readonly queue: MemoryExpiryQueue,
    private readonly clock: Clock,
  ) {}

  add(room: MemoryRoom, handle: Handle, deadline: number): void {
    const before = room.due.peek();
    room.due.push(handle);
    if (before === undefined || room.due.peek() === handle) {
      // Sooner than what may be on the queue already: the end of a history is.
      this.queue.scheduleSooner(EXPIRY_KIND, room.id, deadline);
    }
  }

  /** From now on messages that were kept so far end at this deadline, epoch ms; the sweep gives it to them. */
  startEndingHistory(room: MemoryRoom, deadline: number): void {
    room.historyEnds.push({ from: 1, upTo: room.lastSeq, deadline });
    this.scheduleNext(room);
  }

  /** Gives at most so many messages that were kept the deadline that they have by now. */
  endHistory(room: MemoryRoom, limit: number): void {
    const [ending] = room.historyEnds;
    if (!ending) {
      return;
    }
    let count = 0;
    for (const handle of room.log.ascending(-Infinity, ending.from, ending.upTo)) {
      if (count++ === limit) {
        ending.from = this.state.records.seq(handle);
        return;
      }
      if (this.state.records.deadline(handle) === Infinity) {
        this.state.records.setDeadline(handle, ending.deadline, false);
        room.due.push(handle);
      }
    }
    room.historyEnds.shift();
  }

  /** Puts the next deadline of the room on the queue. */
  scheduleNext(room: MemoryRoom): void {
    if (room.historyEnds.length > 0) {
      this.queue.schedule(EXPIRY_KIND, room.id, this.clock.now());
      return;
    }
    const next = room.nextDeadline();
    if (next !== undefined) {
      this.queue.schedule(EXPIRY_KIND, room.id, next);
    }
  }

  /** Brings a deadline closer. O(n) in what is due in the room: only burn messages and receipts that start a lifetime. */
  move(room: MemoryRoom, handle: Handle, deadline: number, burning: boolean): void {
    room.due.remove(handle);
    this.state.records.setDeadline(handle, deadline, burning);
    room.due.push(handle);
    this.scheduleNext(room);
  }

  /** The room is gone. */
  cancel(room: MemoryRoom): void {
    this.queue.cancel(EXPIRY_KIND, room.id);
  }
}
