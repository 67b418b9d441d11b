import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../../storage/redis';
import { MAX_VISITED_ROOMS } from '../engine/membership';
import { RoomLists } from './room-lists';

/** Lists of a room that have users on them. `rooms` stands for its members. */
export type MarkList = 'rooms' | 'bans' | 'mutes' | 'invites';

/** ARGV: field, token, most or ''. 1: noted; 0: the list is full. */
const NOTE = `
if ARGV[3] ~= '' and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
`;

/** ARGV: field, token, the token in its place or ''. Changes nothing where another stands. */
const CORRECT = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
`;

/** ARGV: room, how long something of the user may stand there from now on (ms), or `inf`. */
const VISITED = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', ARGV[2] == 'inf' and '+inf' or now + ARGV[2], ARGV[1])
`;

/** Gives how many rooms the user was in that may still have something of theirs. */
const COUNT_VISITED = `
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZCARD', KEYS[1])
`;

/** Marks corrected at once when a room goes. */
const AT_ONCE = 64;

/**
 * Which rooms have a user on one of their lists, so that a user's invites can be listed and an erased user forgotten.
 * In the user's slot, so no script of a room can keep it: noted with a token before the room's entry, taken off after
 * it, if it is still that token. What a killed node leaves behind is a mark too many.
 */
@Injectable()
export class UserMarks {
  private readonly note: Script;
  private readonly correct: Script;
  private readonly visit: Script;
  private readonly countVisited: Script;

  constructor(
    private readonly redis: Redis,
    private readonly lists: RoomLists,
  ) {
    this.note = redis.script(NOTE);
    this.correct = redis.script(CORRECT);
    this.visit = redis.script(VISITED);
    this.countVisited = redis.script(COUNT_VISITED);
  }

  /** Notes that a room is about to have the user on a list; false where they have `most` such marks already. */
  async add(list: MarkList, userId: string, roomId: string, token: string, most?: number): Promise<boolean> {
    if (list === 'rooms') {
      return this.lists.addTo(userId, roomId, token, most ?? Infinity);
    }
    return (await this.note([this.key(list, userId)], [fieldOf(list, roomId), token, most ?? ''])) === 1;
  }

  /** The room has another token than the one noted; undefined: none. */
  async replace(list: MarkList, userId: string, roomId: string, token: string, standing?: string): Promise<void> {
    if (list === 'rooms') {
      await this.lists.replace([userId], roomId, token, standing ?? '');
    } else {
      await this.correct([this.key(list, userId)], [fieldOf(list, roomId), token, standing ?? '']);
    }
  }

  /**
   * Notes, before their marks are taken off, that the room may still have something of these users, for so many ms from
   * now on. Marks as in `removeAll`.
   */
  async noteVisits(roomId: string, flat: readonly string[], forMs: number): Promise<void> {
    const users = new Set(flat.filter((_, i) => i % 3 === 1 && flat[i - 1] !== 'invites'));
    for (const userId of users) {
      await this.visit([this.visitedKey(userId)], [roomId, forMs === Infinity ? 'inf' : forMs]);
    }
  }

  /** Whether one room more can be kept of those that a user was in. */
  async mayVisit(userId: string): Promise<boolean> {
    const key = this.visitedKey(userId);
    if (((await this.countVisited([key], [])) as number) < MAX_VISITED_ROOMS) {
      return true;
    }
    return (await this.dropGone(userId)) > 0;
  }

  /** Takes marks off: list, user and token, flat, as scripts give them. */
  async removeAll(roomId: string, flat: readonly string[]): Promise<void> {
    const marks: [MarkList, string, string][] = [];
    for (let i = 0; i < flat.length; i += 3) {
      marks.push([flat[i] as MarkList, flat[i + 1] ?? '', flat[i + 2] ?? '']);
    }
    for (let i = 0; i < marks.length; i += AT_ONCE) {
      const some = marks.slice(i, i + AT_ONCE);
      await Promise.all(some.map(([list, userId, token]) => this.replace(list, userId, roomId, token)));
    }
  }

  /** Rooms that may have invited a user. */
  invitesOf(userId: string): Promise<string[]> {
    return this.redis.run((client) => client.hkeys(this.key('invites', userId)));
  }

  /** Every room that may have the user on a list. */
  async allOf(userId: string): Promise<string[]> {
    const [rooms, invites, visited, listed] = await Promise.all([
      this.lists.of(userId),
      this.invitesOf(userId),
      this.visitedBy(userId),
      this.redis.run((client) => client.hkeys(this.key('bans', userId))),
    ]);
    return [
      ...new Set([...rooms, ...invites, ...visited, ...listed.map((field) => field.slice(field.indexOf(' ') + 1))]),
    ];
  }

  /** Forgets a user but for the rooms that they are a member of. */
  async forget(userId: string): Promise<void> {
    const keys = [this.key('invites', userId), this.key('bans', userId), this.visitedKey(userId)];
    await this.redis.run((client) => client.del(...keys));
  }

  private visitedBy(userId: string): Promise<string[]> {
    return this.redis.run((client) => client.zrange(this.visitedKey(userId), 0, -1));
  }

  /** Takes rooms that do not stand off the visited ones. Gives how many. */
  private async dropGone(userId: string): Promise<number> {
    const visited = await this.visitedBy(userId);
    const standing = await Promise.all(visited.map((roomId) => this.lists.stands(roomId)));
    const gone = visited.filter((_, i) => !standing[i]);
    return gone.length === 0 ? 0 : this.redis.run((client) => client.zrem(this.visitedKey(userId), ...gone));
  }

  private visitedKey(userId: string): string {
    return this.redis.key(`{${userId}}`, 'visited');
  }

  private key(list: MarkList, userId: string): string {
    return this.redis.key(`{${userId}}`, list === 'invites' ? 'invites' : 'listed');
  }
}

/** Bans and mutes share a hash. */
function fieldOf(list: MarkList, roomId: string): string {
  return list === 'invites' ? roomId : `${list} ${roomId}`;
}
