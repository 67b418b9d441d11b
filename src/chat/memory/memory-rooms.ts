import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { MessageRecords } from './message-records';
import type { MemoryRoom } from './memory-room';

/** What the memory stores of the chat share: rooms, their members' lists and the records of all messages. */
@Injectable()
export class MemoryRooms {
  readonly records = new MessageRecords();
  readonly rooms = new Map<string, MemoryRoom>();
  /** Room ids by member. */
  readonly roomsOf = new Map<string, Set<string>>();
  /** Live messages of all rooms but system messages. */
  messageCount = 0;
  /** Bytes of the records in anonymous rooms. */
  anonymousBytes = 0;
  /** Rooms that somebody joined, and the sum of who joined them. */
  occupied = 0;
  participants = 0;
  /** The highest position of a room that is gone: new ones begin there, so that none repeats in a room's next life. */
  lastPosition = 0;
  private readonly seed = randomInt(2 ** 32);

  /** A 52-bit hash of who sent and what they called it, never 0; keyed, so that nobody can make two collide. */
  dedupeKey(sender: number, clientId: string): number {
    let high = this.seed ^ sender;
    let low = Math.imul(this.seed, 0x9e3779b1) ^ sender;
    for (let i = 0; i < clientId.length; i++) {
      const unit = clientId.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x85ebca6b);
      low = Math.imul(low ^ unit, 0xc2b2ae35);
      high ^= high >>> 13;
      low ^= low >>> 16;
    }
    return (high >>> 12) * 2 ** 32 + (low >>> 0) || 1;
  }
}
