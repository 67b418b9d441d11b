import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Redis } from '../../storage/redis';
import { MAX_LOOKED_AT, type PublicRooms } from '../engine/membership.store';
import type { Room } from '../engine/room';
import { decodeRoom, type RawView } from './codec';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { VIEW } from './room-read-scripts.lua';

/** How long a node keeps to itself that something happened in a public room. */
const FLUSH_MS = 500;
/** Rooms looked at in one go. */
const BATCH = 100;

/**
 * Public rooms by activity, in a slot of their own: a room is listed before it stands and taken off after it is gone,
 * and whoever reads passes over what does not stand. Activity is told twice a second.
 */
@Injectable()
export class RedisPublicRooms {
  private readonly logger = new Logger(RedisPublicRooms.name);
  private readonly viewScript: RoomScript<RawView | null>;
  private readonly activity: string;
  private readonly names: string;
  /** When something last happened in rooms since the last flush, epoch ms. */
  private active = new Map<string, number>();

  constructor(
    private readonly redis: Redis,
    rooms: RedisRooms,
  ) {
    this.viewScript = rooms.script(VIEW);
    this.activity = redis.key('{public}', 'rooms');
    this.names = redis.key('{public}', 'names');
  }

  async add(roomId: string, name: string, at: number): Promise<void> {
    await this.redis.run((client) =>
      Promise.all([client.hset(this.names, roomId, name.toLowerCase()), client.zadd(this.activity, at, roomId)]),
    );
  }

  /** Something happened in a public room, told twice a second. */
  touch(roomId: string, at: number): void {
    this.active.set(roomId, at);
  }

  /** A room was changed, maybe its name. */
  async changed(room: Room, named: boolean): Promise<void> {
    if (room.type !== 'public') {
      return;
    }
    if (named) {
      await this.add(room.id, room.name ?? '', room.lastActivity);
    } else {
      this.touch(room.id, room.lastActivity);
    }
  }

  async remove({ id, type }: Pick<Room, 'id' | 'type'>): Promise<void> {
    if (type === 'public') {
      this.active.delete(id);
      await this.redis.run((client) => Promise.all([client.zrem(this.activity, id), client.hdel(this.names, id)]));
    }
  }

  /** See `MembershipStore.publicRooms`. */
  async page(query: string, after: string | undefined, limit: number): Promise<PublicRooms> {
    await this.flush();
    const rooms: Room[] = [];
    let last = after;
    for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT;) {
      const found = await this.behind(last);
      for (const { roomId, at, name } of found) {
        if (rooms.length === limit) {
          return { rooms, next: last };
        }
        lookedAt++;
        last = `${at} ${roomId}`;
        const room = name.includes(query) ? await this.find(roomId) : undefined;
        rooms.push(...(room ? [room] : []));
      }
      if (found.length === 0) {
        return { rooms, next: undefined };
      }
    }
    return { rooms, next: last };
  }

  @Interval('public-rooms', FLUSH_MS)
  protected async scheduledFlush(): Promise<void> {
    if (this.redis.ready) {
      await this.flush().catch((error: unknown) => {
        this.logger.debug({ err: error }, 'Activity of public rooms was not told: it is with what comes next');
      });
    }
  }

  private async flush(): Promise<void> {
    const active = [...this.active].flatMap(([roomId, at]) => [at, roomId]);
    this.active = new Map();
    if (active.length > 0) {
      // Rooms that were taken off are not listed anew.
      await this.redis.run((client) => client.zadd(this.activity, 'XX', 'GT', ...active));
    }
  }

  private async find(roomId: string): Promise<Room | undefined> {
    const view = await this.viewScript(roomId);
    if (!view) {
      await this.remove({ id: roomId, type: 'public' });
    }
    return view ? decodeRoom(view) : undefined;
  }

  /** The next rooms, newest activity first; those of one millisecond by their ids, backwards. */
  private async behind(last: string | undefined): Promise<{ roomId: string; at: string; name: string }[]> {
    const [score = '+inf', id = ''] = last?.split(' ') ?? [];
    return this.redis.run(async (client) => {
      const found = await client.zrevrangebyscore(this.activity, score, '-inf', 'WITHSCORES', 'LIMIT', 0, BATCH);
      const listed: { roomId: string; at: string }[] = [];
      for (let i = 0; i < found.length; i += 2) {
        const [roomId = '', at = ''] = found.slice(i, i + 2);
        if (at !== score || roomId < id) {
          listed.push({ roomId, at });
        }
      }
      const names = listed.length === 0 ? [] : await client.hmget(this.names, ...listed.map(({ roomId }) => roomId));
      return listed.map((room, i) => ({ ...room, name: names[i] ?? '' }));
    });
  }
}
