import { Injectable } from '@nestjs/common';
import { Redis, type Script } from '../storage/redis';
import { busMessage } from '../storage/redis-node-bus';
import {
  MAX_ENDED_TOKENS,
  type TokenKey,
  TOKENS_CHANGED,
  type TokensChanged,
  type TokenState,
  TokenStore,
} from './token-store';

/**
 * All of a user is one hash, which ends with the last token that it speaks of: `generation`, `except` (the token that is
 * good though it is of an older one), and a field `t:<id>` for each ended token: `r` or `s` (revoked, superseded), when
 * it ends and when it would have expired anyway (epoch ms), with spaces between.
 */
const GENERATION = 'generation';
const EXCEPT = 'except';
const TOKEN = 't:';

/**
 * KEYS: the user's hash. The last two of ARGV: the channel of the node bus, and what to say there where tokens end. It is
 * said in the same step: a node that is killed after it tells the others nothing by itself.
 */
const SHARED = `
local key = KEYS[1]
local function tell() redis.call('PUBLISH', ARGV[#ARGV - 1], ARGV[#ARGV]) end
local function generation() return tonumber(redis.call('HGET', key, '${GENERATION}') or 0) end
local function keep(till)
  local time = redis.call('TIME')
  local left = till - (time[1] * 1000 + math.floor(time[2] / 1000))
  local stands = redis.call('PTTL', key)
  if stands == -1 or (stands >= 0 and left > stands) then redis.call('PEXPIRE', key, math.max(1, left)) end
end
local function ended(token)
  local text = redis.call('HGET', key, '${TOKEN}' .. token)
  if text then return string.match(text, '^(%a) (%d+)') end
end
local function finish(token, how, endsAt, till)
  local field = '${TOKEN}' .. token
  local fields = redis.call('HEXISTS', key, '${GENERATION}') + redis.call('HEXISTS', key, '${EXCEPT}')
  if redis.call('HEXISTS', key, field) == 0 and redis.call('HLEN', key) - fields >= ${MAX_ENDED_TOKENS} then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local all = redis.call('HGETALL', key)
    local freed = false
    for i = 1, #all, 2 do
      local expires = string.match(all[i + 1], '^%a %d+ (%d+)')
      if string.sub(all[i], 1, 2) == '${TOKEN}' and tonumber(expires) <= now then
        redis.call('HDEL', key, all[i])
        freed = true
      end
    end
    if not freed then return false end
  end
  redis.call('HSET', key, field, how .. ' ' .. endsAt .. ' ' .. till)
  keep(tonumber(till))
  return true
end
`;

/** ARGV: until. */
const CURRENT = `${SHARED}
keep(tonumber(ARGV[1]))
return generation()
`;

/** ARGV: token, until. */
const REVOKE = `${SHARED}
if not finish(ARGV[1], 'r', '0', ARGV[2]) then return 0 end
tell()
return 1
`;

/** ARGV: until, the token that is excepted or ''. */
const REVOKE_ALL = `${SHARED}
local except = ARGV[2] ~= '' and ARGV[2]
local kept = except and redis.call('HGET', key, '${TOKEN}' .. except)
local stands = redis.call('PTTL', key)
local following = generation() + 1
redis.call('DEL', key)
redis.call('HSET', key, '${GENERATION}', following)
if except then redis.call('HSET', key, '${EXCEPT}', except) end
if kept then redis.call('HSET', key, '${TOKEN}' .. except, kept) end
if stands > 0 then redis.call('PEXPIRE', key, stands) end
keep(tonumber(ARGV[1]))
tell()
return following
`;

/** ARGV: token, its generation, when it is to end, until. Gives the generation and the end, or a word. */
const SUPERSEDE = `${SHARED}
local how, ends = ended(ARGV[1])
local good = generation() == tonumber(ARGV[2]) or redis.call('HGET', key, '${EXCEPT}') == ARGV[1]
if how == 'r' or not good then return 'revoked' end
local earliest = math.min(tonumber(ends or ARGV[3]), tonumber(ARGV[3]))
if not finish(ARGV[1], 's', string.format('%.0f', earliest), ARGV[4]) then return 'full' end
tell()
return {generation(), earliest}
`;

/** One round trip a call. */
@Injectable()
export class RedisTokenStore extends TokenStore {
  private readonly currentScript: Script;
  private readonly revokeScript: Script;
  private readonly revokeAllScript: Script;
  private readonly supersedeScript: Script;

  constructor(private readonly redis: Redis) {
    super();
    this.currentScript = redis.script(CURRENT);
    this.revokeScript = redis.script(REVOKE);
    this.revokeAllScript = redis.script(REVOKE_ALL);
    this.supersedeScript = redis.script(SUPERSEDE);
  }

  override async generation(userId: string, until: number): Promise<number> {
    return (await this.currentScript([this.keyOf(userId)], [until])) as number;
  }

  override async state({ userId, tokenId, generation }: TokenKey): Promise<TokenState> {
    const fields = [GENERATION, EXCEPT, TOKEN + tokenId];
    const [current, except, ended] = await this.redis.run((client) => client.hmget(this.keyOf(userId), ...fields));
    const [how, endsAt] = ended?.split(' ') ?? [];
    if ((Number(current ?? 0) !== generation && except !== tokenId) || how === 'r') {
      return { revoked: true };
    }
    return { revoked: false, ...(endsAt !== undefined && { endsAt: Number(endsAt) }) };
  }

  override async revoke({ userId, tokenId }: TokenKey, until: number): Promise<boolean> {
    return (await this.revokeScript([this.keyOf(userId)], [tokenId, until, ...this.told(userId)])) === 1;
  }

  override async revokeAll(userId: string, until: number, exceptTokenId?: string): Promise<number> {
    const args = [until, exceptTokenId ?? '', ...this.told(userId)];
    return (await this.revokeAllScript([this.keyOf(userId)], args)) as number;
  }

  override async supersede(
    { userId, tokenId, generation }: TokenKey,
    endsAt: number,
    until: number,
  ): Promise<{ generation: number; endsAt: number } | 'revoked' | 'full'> {
    const args = [tokenId, generation, endsAt, until, ...this.told(userId)];
    const result = await this.supersedeScript([this.keyOf(userId)], args);
    if (result === 'revoked' || result === 'full') {
      return result;
    }
    const [current, earliest] = result as [number, number];
    return { generation: current, endsAt: earliest };
  }

  override async forget(userId: string): Promise<void> {
    await this.redis.run((client) => client.unlink(this.keyOf(userId)));
  }

  private told(userId: string): [channel: string, text: string] {
    return busMessage(this.redis, TOKENS_CHANGED, { userId } satisfies TokensChanged);
  }

  private keyOf(userId: string): string {
    return this.redis.key(`{u:${userId}}`, 'tokens');
  }
}
