import { Injectable, Logger } from '@nestjs/common';
import { ExpiryQueue } from '../../expiry/expiry-queue';
import { EXPIRY_KIND } from '../engine/room-feed';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { INDEXED } from './room-scripts.lua';

/**
 * The earliest deadline of each room on the expiry queue, which is in other slots. The room is told what the queue
 * knows only after it does, and a deadline is handed out again unless its sweep has ended: so whoever is killed in
 * between leaves the room looking unknown to the queue, and the next send, repeat or join puts it there.
 */
@Injectable()
export class RoomDeadlines {
  private readonly logger = new Logger(RoomDeadlines.name);
  private readonly indexed: RoomScript<null>;

  constructor(
    rooms: RedisRooms,
    private readonly queue: ExpiryQueue,
  ) {
    this.indexed = rooms.script(INDEXED);
  }

  /** Puts the deadline (epoch ms, as the scripts give it) of a room on the queue; null: it is there. */
  async index(roomId: string, epoch: string, at: string | null): Promise<void> {
    if (at !== null) {
      await this.queue.scheduleSooner(EXPIRY_KIND, roomId, Number(at));
      // Nobody waits for this: should it fail, the queue is told once more by the next send.
      this.indexed(roomId, epoch, at).catch((error: unknown) => {
        this.logger.debug({ err: error, roomId }, 'A room was not told that the queue knows its deadline');
      });
    }
  }

  /** After a sweep, which told the room already. */
  async next(roomId: string, at: string | null): Promise<void> {
    if (at !== null) {
      await this.queue.scheduleSooner(EXPIRY_KIND, roomId, Number(at));
    }
  }

  /**
   * The room is gone. Its entry is not taken off the queue, where that of its next life might stand by now, but handed
   * out at once: whatever stands then is swept and put there again.
   */
  async forget(roomId: string, indexed: string | null, now: number): Promise<void> {
    if (indexed !== null) {
      await this.queue.scheduleSooner(EXPIRY_KIND, roomId, now);
    }
  }
}
