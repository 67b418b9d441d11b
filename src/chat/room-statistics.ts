import { Injectable } from '@nestjs/common';
import type { Awaitable } from '../common/awaitable';
import { RoomStore, type RoomTotals } from './engine/room.store';

/** Counts over all rooms, for health and statistics. */
@Injectable()
export class RoomStatistics {
  constructor(private readonly rooms: RoomStore) {}

  totals(): Awaitable<RoomTotals> {
    return this.rooms.totals();
  }

  /** Bytes that the records of all messages take; undefined where the store does not count them. */
  messageBytes(): Awaitable<number | undefined> {
    return this.rooms.messageBytes();
  }
}
