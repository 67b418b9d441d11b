import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../storage/redis';
import { type AttemptLimits, LoginAttemptStore, MAX_ATTACKED_ACCOUNTS } from './login-attempt-store';

/**
 * Accounts are spread over so many slots, each of which has an equal share of the cap and drops its own oldest: the
 * whole would be one slot, or two steps.
 */
const SHARDS = 64;

/** Failures of an account: a list of `<epoch ms> <address>`, oldest first. Gives those that are in the window. */
const READ = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(key, window)
  local at, from, kept = {}, {}, {}
  for _, failure in ipairs(redis.call('LRANGE', key, 0, -1)) do
    local space = string.find(failure, ' ', 1, true)
    local when = tonumber(string.sub(failure, 1, space - 1))
    if when + window > now then
      at[#at + 1], from[#from + 1], kept[#kept + 1] = when, string.sub(failure, space + 1), failure
    end
  end
  return at, from, kept
end
`;

/**
 * KEYS: the account's failures, the accounts of the shard by their latest attempt. ARGV: address, window (ms), limit for
 * the address, limit in all, most accounts in a shard. The lists of those that are dropped share the slot.
 */
const ATTEMPT = `${READ}
local address, window, perAddress, inAll, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local at, from = read(KEYS[1], window)
local mine = {}
for i, when in ipairs(at) do
  if from[i] == address then mine[#mine + 1] = when end
end
local frees = math.max(at[#at - inAll + 1] or 0, mine[#mine - perAddress + 1] or 0) + window
if frees > now then return frees - now end
if #at == 0 then redis.call('DEL', KEYS[1]) else redis.call('LTRIM', KEYS[1], -#at, -1) end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now) .. ' ' .. address)
redis.call('PEXPIRE', KEYS[1], window)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - window)
redis.call('ZADD', KEYS[2], now, KEYS[1])
redis.call('PEXPIRE', KEYS[2], window)
local excess = redis.call('ZCARD', KEYS[2]) - most
if excess > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, excess - 1)) do
    redis.call('DEL', oldest)
    redis.call('ZREM', KEYS[2], oldest)
  end
end
return 0
`;

/** KEYS as above. ARGV: address. What is left keeps its deadline. */
const SUCCEEDED = `${READ}
local _, from, kept = read(KEYS[1], math.huge)
local left = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
for i, failure in ipairs(kept) do
  if from[i] ~= ARGV[1] then redis.call('RPUSH', KEYS[1], failure) end
end
if left > 0 then redis.call('PEXPIRE', KEYS[1], left) end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], KEYS[1]) end
`;

/** One round trip a call. */
@Injectable()
export class RedisLoginAttemptStore extends LoginAttemptStore {
  /** Accounts that are remembered at most. */
  protected readonly most: number = MAX_ATTACKED_ACCOUNTS;
  private readonly attemptScript: Script;
  private readonly succeededScript: Script;

  constructor(private readonly redis: Redis) {
    super();
    this.attemptScript = redis.script(ATTEMPT);
    this.succeededScript = redis.script(SUCCEEDED);
  }

  override async attempt(account: string, address: string, limits: AttemptLimits): Promise<number> {
    const { windowMs, perAddress, inAll } = limits;
    const share = Math.ceil(this.most / SHARDS);
    return (await this.attemptScript(this.keys(account), [address, windowMs, perAddress, inAll, share])) as number;
  }

  override async succeeded(account: string, address: string): Promise<void> {
    await this.succeededScript(this.keys(account), [address]);
  }

  private keys(account: string): string[] {
    const shard = createHash('sha1').update(account).digest().readUInt8() % SHARDS;
    return [this.redis.key(`{login:${shard}}`, account), this.redis.key(`{login:${shard}}`)];
  }
}
