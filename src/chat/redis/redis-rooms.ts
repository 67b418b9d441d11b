import { Injectable } from '@nestjs/common';
import { type Argument, Redis } from '../../storage/redis';
import { directMembers } from '../engine/room';

/** A script of one room and what it gives. `args` begin at ARGV[3]. */
export type RoomScript<T> = (roomId: string, ...args: Argument[]) => Promise<T>;

/** What the Redis stores of the chat share: names of keys and channels, and how scripts of a room are called. */
@Injectable()
export class RedisRooms {
  constructor(private readonly redis: Redis) {}

  /** A script that has the keys and channels of a room at hand (see `PRELUDE`). */
  script<T>(lua: string): RoomScript<T> {
    const script = this.redis.script(lua);
    return (roomId, ...args) =>
      script([this.key(roomId)], [roomId, this.channelsOf(roomId).join(' '), ...args]) as Promise<T>;
  }

  /** The hash of a room. */
  key(roomId: string): string {
    return this.redis.key(`{${roomId}}`, 'room');
  }

  /** Hash: room id → epoch of the rooms that a user is a member of. One may stand here for a moment that does not yet, or no longer. */
  listKey(userId: string): string {
    return this.redis.key(`{${userId}}`, 'rooms');
  }

  /** What a node listens to for a user who has sockets on it. */
  userChannel(userId: string): string {
    return this.redis.key('feed', userId);
  }

  /** What a node listens to for a room that sockets on it joined. */
  roomChannel(roomId: string): string {
    return this.redis.key('feed-room', roomId);
  }

  /** Where a room's events go: to its members one by one while they are two, so that nothing grows with the rooms. */
  channelsOf(roomId: string): string[] {
    const members = directMembers(roomId);
    return members ? members.map((userId) => this.userChannel(userId)) : [this.roomChannel(roomId)];
  }
}
