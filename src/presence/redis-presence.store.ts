import { Injectable } from '@nestjs/common';
import { Nodes } from '../nodes/nodes';
import { Redis, type Script } from '../storage/redis';
import { PresenceStore, type UserSocket } from './presence.store';

/** ARGV: user, socket, node, most sockets. */
const CONNECT = `
local base, user, socket, node = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', base .. 'sockets', socket) == 0 then
  if tonumber(redis.call('HGET', base .. 'counts', user) or 0) >= tonumber(ARGV[4]) then return 'full' end
  redis.call('HSET', base .. 'sockets', socket, user .. ' ' .. node)
  redis.call('HINCRBY', base .. 'counts', user, 1)
  redis.call('SADD', base .. 'node:' .. node, socket)
end
return redis.call('ZADD', base .. 'online', 'NX', redis.call('TIME')[1], user) == 1 and 'first' or 'more'
`;

/** ARGV: user, socket. 1: it was the user's last. */
const DISCONNECT = `
local base, user, socket = KEYS[1], ARGV[1], ARGV[2]
local owner, node = string.match(redis.call('HGET', base .. 'sockets', socket) or '', '^(.*) (.*)$')
if owner ~= user then return 0 end
redis.call('HDEL', base .. 'sockets', socket)
redis.call('SREM', base .. 'node:' .. node, socket)
if redis.call('HINCRBY', base .. 'counts', user, -1) > 0 then return 0 end
redis.call('HDEL', base .. 'counts', user)
return 1
`;

/** ARGV: user. 1: they were online until now. */
const GO_OFFLINE = `
if redis.call('HEXISTS', KEYS[1] .. 'counts', ARGV[1]) == 1 then return 0 end
return redis.call('ZREM', KEYS[1] .. 'online', ARGV[1])
`;

/** ARGV: node, most sockets. Sockets and their users, flat. */
const OF_NODE = `
local base, out = KEYS[1], {}
for _, socket in ipairs(redis.call('SRANDMEMBER', base .. 'node:' .. ARGV[1], ARGV[2])) do
  local user = string.match(redis.call('HGET', base .. 'sockets', socket) or '', '^(.*) .*$')
  if user then
    out[#out + 1] = socket
    out[#out + 1] = user
  else
    redis.call('SREM', base .. 'node:' .. ARGV[1], socket)
  end
end
return out
`;

/**
 * Presence in one slot of Redis, so that all of it changes in one step:
 *
 * | key | type | |
 * |---|---|---|
 * | `online` | zset | user → since when, s; in the grace as well |
 * | `counts` | hash | user → sockets, of who has some |
 * | `sockets` | hash | socket → `<user> <node>` |
 * | `node:<node>` | set | sockets of a node |
 */
@Injectable()
export class RedisPresenceStore extends PresenceStore {
  private readonly base: string;
  private readonly connectScript: Script;
  private readonly disconnectScript: Script;
  private readonly offlineScript: Script;
  private readonly ofNodeScript: Script;

  constructor(
    private readonly redis: Redis,
    private readonly nodes: Nodes,
  ) {
    super();
    this.base = `${redis.key('{presence}')}:`;
    this.connectScript = redis.script(CONNECT);
    this.disconnectScript = redis.script(DISCONNECT);
    this.offlineScript = redis.script(GO_OFFLINE);
    this.ofNodeScript = redis.script(OF_NODE);
  }

  override async connect(userId: string, socketId: string, most: number): Promise<'first' | 'more' | 'full'> {
    const args = [userId, socketId, this.nodes.id, most];
    return (await this.connectScript([this.base], args)) as 'first' | 'more' | 'full';
  }

  override async disconnect(userId: string, socketId: string): Promise<boolean> {
    return (await this.disconnectScript([this.base], [userId, socketId])) === 1;
  }

  override async goOffline(userId: string): Promise<boolean> {
    return (await this.offlineScript([this.base], [userId])) === 1;
  }

  override async socketCount(userId: string): Promise<number> {
    return Number(await this.redis.run((client) => client.hget(`${this.base}counts`, userId)));
  }

  override async isOnline(userIds: readonly string[]): Promise<boolean[]> {
    if (userIds.length === 0) {
      return [];
    }
    const since = await this.redis.run((client) => client.zmscore(`${this.base}online`, ...userIds));
    return since.map((one) => one !== null);
  }

  override onlineCount(): Promise<number> {
    return this.redis.run((client) => client.zcard(`${this.base}online`));
  }

  override async onlineUserIds(limit: number): Promise<string[]> {
    return limit < 1 ? [] : this.redis.run((client) => client.zrange(`${this.base}online`, 0, limit - 1));
  }

  override connectedSockets(): Promise<number> {
    return this.redis.run((client) => client.hlen(`${this.base}sockets`));
  }

  override async socketsOfNode(nodeId: string, limit: number): Promise<UserSocket[]> {
    const flat = (await this.ofNodeScript([this.base], [nodeId, limit])) as string[];
    return flat.flatMap((socketId, i) => (i % 2 === 0 ? [{ socketId, userId: flat[i + 1] ?? '' }] : []));
  }
}
