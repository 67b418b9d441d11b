import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../../storage/redis';
import type { RoomDraft } from '../engine/room';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { IS_MEMBER } from './room-read-scripts.lua';

/** ARGV: room, epoch, most rooms. 1: noted; 0: the list is full. */
const NOTE = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`;

/** ARGV: room, epoch, the epoch in its place or ''. Changes nothing where another epoch stands. */
const CORRECT = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
`;

/**
 * The rooms of each user. Every list is in its user's slot, so no script of a room can keep it: a room is noted before it
 * stands, with its epoch, and taken off after it is gone, if it is still that epoch. What a killed node leaves behind
 * is an entry too many, which is found when it is in the way.
 */
@Injectable()
export class RoomLists {
  private readonly note: Script;
  private readonly correct: Script;
  private readonly isMember: RoomScript<number>;

  constructor(
    private readonly redis: Redis,
    private readonly rooms: RedisRooms,
  ) {
    this.note = redis.script(NOTE);
    this.correct = redis.script(CORRECT);
    this.isMember = rooms.script(IS_MEMBER);
  }

  /** Notes a room that is about to be opened for its members; false where one of them has `most` already: for none. */
  async add({ id, epoch, members }: RoomDraft, most: number): Promise<boolean> {
    const userIds = members.map(({ userId }) => userId);
    const noted: string[] = [];
    for (const userId of userIds) {
      if (!(await this.addTo(userId, id, epoch, most))) {
        await this.remove(noted, id, epoch);
        return false;
      }
      noted.push(userId);
    }
    return true;
  }

  /** The room stands: somebody whose list was full may have taken it off before it did. */
  async confirm({ id, epoch, members }: RoomDraft): Promise<void> {
    await Promise.all(
      members.map(({ userId }) => this.redis.run((client) => client.hset(this.rooms.listKey(userId), id, epoch))),
    );
  }

  /** The room stands with another epoch than the one noted. */
  async replace(userIds: readonly string[], roomId: string, epoch: string, standing: string): Promise<void> {
    await Promise.all(userIds.map((userId) => this.correct([this.rooms.listKey(userId)], [roomId, epoch, standing])));
  }

  /** Takes a room that is gone off the lists. */
  remove(userIds: readonly string[], roomId: string, epoch: string): Promise<void> {
    return this.replace(userIds, roomId, epoch, '');
  }

  /** Notes a room for one user, under a token or its epoch; false where they have `most` already. */
  async addTo(userId: string, roomId: string, epoch: string, most: number): Promise<boolean> {
    const add = (): Promise<unknown> => this.note([this.rooms.listKey(userId)], [roomId, epoch, most]);
    return (await add()) === 1 || ((await this.dropGone(userId)) && (await add()) === 1);
  }

  async stands(roomId: string): Promise<boolean> {
    return (await this.redis.run((client) => client.exists(this.rooms.key(roomId)))) === 1;
  }

  of(userId: string): Promise<string[]> {
    return this.redis.run((client) => client.hkeys(this.rooms.listKey(userId)));
  }

  /** Takes rooms off a full list that do not stand, or that the user is not in. True where there were some. */
  private async dropGone(userId: string): Promise<boolean> {
    const noted = await this.redis.run((client) => client.hgetall(this.rooms.listKey(userId)));
    const dropped = await Promise.all(
      Object.entries(noted).map(async ([roomId, epoch]) => {
        const gone = (await this.isMember(roomId, userId)) === 0;
        if (gone) {
          await this.remove([userId], roomId, epoch);
        }
        return gone;
      }),
    );
    return dropped.includes(true);
  }
}
