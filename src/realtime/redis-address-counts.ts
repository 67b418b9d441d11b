import { Injectable } from '@nestjs/common';
import { Nodes } from '../nodes/nodes';
import { Redis, type Script } from '../storage/redis';
import { AddressCounts } from './address-counts';

/** Addresses of a node that is gone, counted out at once. */
const TAKEOVER_BATCH = 100;

/** ARGV: node, address, connections it has, most of all nodes. 1: counted. */
const TELL = `
local base, address, own = KEYS[1], ARGV[2], tonumber(ARGV[3])
local node = base .. 'node:' .. ARGV[1]
local before = tonumber(redis.call('HGET', node, address) or 0)
local total = tonumber(redis.call('HGET', base .. 'total', address) or 0) - before + own
if own > before and total > tonumber(ARGV[4]) then return 0 end
local function keep(key, count)
  if count > 0 then redis.call('HSET', key, address, count) else redis.call('HDEL', key, address) end
end
keep(node, own)
keep(base .. 'total', total)
return 1
`;

/** ARGV: node, most addresses. Gives how many are left. */
const FORGET = `
local base, node = KEYS[1], KEYS[1] .. 'node:' .. ARGV[1]
for _, address in ipairs(redis.call('HRANDFIELD', node, ARGV[2])) do
  local own = redis.call('HGET', node, address)
  redis.call('HDEL', node, address)
  if redis.call('HINCRBY', base .. 'total', address, 0 - own) <= 0 then redis.call('HDEL', base .. 'total', address) end
end
return redis.call('HLEN', node)
`;

/**
 * In one slot of Redis, so that all of it changes in one step:
 *
 * | key | type | |
 * |---|---|---|
 * | `total` | hash | address → connections |
 * | `node:<node>` | hash | address → those of one node, which go when it is taken over |
 */
@Injectable()
export class RedisAddressCounts extends AddressCounts {
  private readonly base: string;
  private readonly tellScript: Script;
  private readonly forgetScript: Script;

  constructor(
    redis: Redis,
    private readonly nodes: Nodes,
  ) {
    super();
    this.base = `${redis.key('{addresses}')}:`;
    this.tellScript = redis.script(TELL);
    this.forgetScript = redis.script(FORGET);
    nodes.onTakeover((nodeId) => this.forget(nodeId));
  }

  /** @throws AppError CapacityError where Redis does not answer in time */
  override async tell(address: string, own: number, most: number): Promise<boolean> {
    return (await this.tellScript([this.base], [this.nodes.id, address, own, most])) === 1;
  }

  private async forget(nodeId: string): Promise<void> {
    while (((await this.forgetScript([this.base], [nodeId, TAKEOVER_BATCH])) as number) > 0);
  }
}
