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
  ) {}

  add(room: MemoryRoom, handle: Handle, deadline: number): void {
    const before = room.due.peek();
    room.due.push(handle);
    if (before === undefined || room.due.peek() === handle) {
      this.queue.schedule(EXPIRY_KIND, room.id, deadline);
    }
  }

  /** Puts the next deadline of the room on the queue. */
  scheduleNext(room: MemoryRoom): void {
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
