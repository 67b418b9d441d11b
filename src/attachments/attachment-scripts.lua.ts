import { MAX_REFERENCES } from './attachment-store';

/** A record whose end was not swept for so long, ms, was lost with its node: whoever takes room next forgets it. */
export const FORSAKEN_MS = 60_000;
/** How many of those are forgotten at once. */
const FORGOTTEN_AT_ONCE = 500;

/**
 * KEYS[1] is what all keys of the attachments begin with. They share a slot: what all files take is bounded, so each
 * reservation is a step over all of them.
 *
 * | key | type | |
 * |---|---|---|
 * | `k:<key>` | hash | a record or a reservation, until it dies (PXAT): `owner`; `until`, when it dies without references (epoch ms, 0 once a holder of it has gone); `file`, what is known of it as JSON, of a record only; `r:<holder>`, a reference: `<epoch ms, 0 for never> <room>` |
 * | `ledger` | hash | key → `<f or r> <bytes> <owner>` of all that count against the quotas, dead ones too until they are swept |
 * | `deaths` | zset | key → when it dies; what lives until it is released is not in it |
 * | `o:<owner>` | set | keys of an owner |
 * | `owners` | hash | owner → bytes |
 * | `sum` | hash | `bytes` of all, `count` of the records |
 */
const PRELUDE = `
local base = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function record(key) return base .. 'k:' .. key end

local function entry(key)
  local kind, bytes, owner = string.match(redis.call('HGET', base .. 'ledger', key) or '', '^(%a) (%d+) (.*)$')
  return kind, tonumber(bytes), owner
end

local function charge(kind, bytes, owner, step)
  redis.call('HINCRBY', base .. 'sum', 'bytes', step * bytes)
  if kind == 'f' then redis.call('HINCRBY', base .. 'sum', 'count', step) end
  if redis.call('HINCRBY', base .. 'owners', owner, step * bytes) <= 0 then redis.call('HDEL', base .. 'owners', owner) end
end

-- Removes a record or a reservation. Gives 'f' or 'r'; nil where there is none.
local function drop(key)
  local kind, bytes, owner = entry(key)
  if not kind then return nil end
  redis.call('HDEL', base .. 'ledger', key)
  redis.call('ZREM', base .. 'deaths', key)
  redis.call('SREM', base .. 'o:' .. owner, key)
  redis.call('UNLINK', record(key))
  charge(kind, bytes, owner, -1)
  return kind
end

-- When a record dies by what it holds; math.huge: not by itself.
local function deathOf(fields)
  local latest, unused = nil, 0
  for i = 1, #fields, 2 do
    if fields[i] == 'until' then unused = tonumber(fields[i + 1]) end
    if string.sub(fields[i], 1, 2) == 'r:' then
      local at = tonumber(string.match(fields[i + 1], '^%d+'))
      latest = math.max(latest or 0, at == 0 and math.huge or at)
    end
  end
  return latest or unused
end

-- Sets when it dies. Gives when, or '' where it is not to be told: never, or not before what was known.
local function dieAt(key, death)
  local before = tonumber(redis.call('ZSCORE', base .. 'deaths', key) or math.huge)
  if death == math.huge then
    redis.call('ZREM', base .. 'deaths', key)
    redis.call('PERSIST', record(key))
    return ''
  end
  redis.call('ZADD', base .. 'deaths', death, key)
  redis.call('PEXPIREAT', record(key), death)
  return death < before and string.format('%.0f', death) or ''
end

local function forgetForsaken()
  local keys = redis.call('ZRANGEBYSCORE', base .. 'deaths', '-inf', now - ${FORSAKEN_MS}, 'LIMIT', 0, ${FORGOTTEN_AT_ONCE})
  for _, key in ipairs(keys) do drop(key) end
end

-- Which quota so many bytes more would exceed, if any.
local function exceeded(owner, more, total, perOwner)
  if tonumber(redis.call('HGET', base .. 'sum', 'bytes') or 0) + more > tonumber(total) then return 'total' end
  if tonumber(redis.call('HGET', base .. 'owners', owner) or 0) + more > tonumber(perOwner) then return 'owner' end
end

local function add(key, kind, bytes, owner, ends, ...)
  redis.call('HSET', record(key), 'owner', owner, 'until', ends, ...)
  redis.call('HSET', base .. 'ledger', key, kind .. ' ' .. bytes .. ' ' .. owner)
  redis.call('SADD', base .. 'o:' .. owner, key)
  charge(kind, tonumber(bytes), owner, 1)
  dieAt(key, tonumber(ends))
end

-- A record that lives; not a reservation.
local function living(key)
  local fields = redis.call('HMGET', record(key), 'file', 'owner')
  if not fields[1] then return nil end
  local death = tonumber(redis.call('ZSCORE', base .. 'deaths', key) or math.huge)
  return death > now and fields[2] or nil
end
`;

/** ARGV: id, owner, bytes, until, quota of all, of the owner. Gives '' or the quota that it would exceed. */
export const RESERVE = `${PRELUDE}
forgetForsaken()
local full = exceeded(ARGV[2], tonumber(ARGV[3]), ARGV[5], ARGV[6])
if full then return full end
add(ARGV[1], 'r', ARGV[3], ARGV[2], ARGV[4])
return ''
`;

/**
 * ARGV: reservation, filename, owner, bytes, until, quota of all, of the owner, JSON. Gives '', 'lapsed', or the quota that
 * it would exceed.
 */
export const SETTLE = `${PRELUDE}
local kind, reserved = entry(ARGV[1])
local death = tonumber(redis.call('ZSCORE', base .. 'deaths', ARGV[1]) or 0)
if kind ~= 'r' or death <= now then return 'lapsed' end
local more = tonumber(ARGV[4]) - reserved
local full = more > 0 and exceeded(ARGV[3], more, ARGV[6], ARGV[7])
if full then return full end
drop(ARGV[1])
add(ARGV[2], 'f', ARGV[4], ARGV[3], ARGV[5], 'file', ARGV[8])
return ''
`;

/**
 * ARGV: filename, owner, holder, expiry (0: never), room. Gives nil where there is no such file, 'full', or the record and
 * when the expiry queue is to be told that it dies ('': it need not).
 */
export const REFER = `${PRELUDE}
if living(ARGV[1]) ~= ARGV[2] then return false end
local key, field = record(ARGV[1]), 'r:' .. ARGV[3]
if redis.call('HLEN', key) - 3 >= ${MAX_REFERENCES} and redis.call('HEXISTS', key, field) == 0 then return 'full' end
redis.call('HSET', key, field, ARGV[4] .. ' ' .. ARGV[5])
local fields = redis.call('HGETALL', key)
return { fields, dieAt(ARGV[1], deathOf(fields)) }
`;

/**
 * ARGV: filename, holder, 1 where the holder was there. Gives whether the record is gone now, and when the expiry queue is
 * to be told that it dies ('': it need not).
 */
export const UNREFER = `${PRELUDE}
local key = record(ARGV[1])
if redis.call('HDEL', key, 'r:' .. ARGV[2]) == 0 then
  -- It died, and was not swept: whatever held it is not asked any more.
  local dead = entry(ARGV[1]) == 'f' and redis.call('EXISTS', key) == 0
  return { dead and drop(ARGV[1]) and 1 or 0, '' }
end
if ARGV[3] == '1' then redis.call('HSET', key, 'until', 0) end
local death = deathOf(redis.call('HGETALL', key))
if death <= now then
  drop(ARGV[1])
  return { 1, '' }
end
return { 0, dieAt(ARGV[1], death) }
`;

/** ARGV: keys. Gives 1 where one was there. */
export const REMOVE = `${PRELUDE}
return drop(ARGV[1]) and 1 or 0
`;

/** ARGV: owner. Gives the filenames, then the ids of the reservations that are removed. */
export const REMOVE_OWNED = `${PRELUDE}
local removed = { f = {}, r = {} }
for _, key in ipairs(redis.call('SMEMBERS', base .. 'o:' .. ARGV[1])) do
  local kind = drop(key)
  if kind then table.insert(removed[kind], key) end
end
return { removed.f, removed.r }
`;

/** ARGV: keys. Gives the filenames of the records that are removed; keys that live, with when they die, in turn. */
export const SWEEP = `${PRELUDE}
local gone, living = {}, {}
for _, key in ipairs(ARGV) do
  local death = redis.call('ZSCORE', base .. 'deaths', key)
  if death and tonumber(death) <= now then
    if drop(key) == 'f' then gone[#gone + 1] = key end
  elseif death then
    living[#living + 1] = key
    living[#living + 1] = death
  end
end
return { gone, living }
`;

/** ARGV: filenames. Gives those that nothing is known of. */
export const UNKNOWN = `${PRELUDE}
forgetForsaken()
local unknown = {}
for _, key in ipairs(ARGV) do
  if redis.call('HEXISTS', base .. 'ledger', key) == 0 then unknown[#unknown + 1] = key end
end
return unknown
`;
