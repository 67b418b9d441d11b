import { MIN_PREFIX } from './name-index';

/**
 * Lua of the user stores. A user is a hash in a slot of its own: the fields of the record, and
 *
 * - `state`: `pending` (being created: ends by itself), `live`, `erasing`;
 * - `rev`: counts changes, so that the index knows which of two is newer;
 * - `claim:username`, `claim:email`, `claimed`: what a change under way is about to take, and since when (epoch ms).
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: record. ARGV: lifetime (ms), then fields and values. 0: the id is in use. */
export const PREPARE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'state', 'pending', 'rev', 0, unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`;

/** KEYS: record, password. ARGV: hash of the password, if any. 0: was pending for too long. */
export const COMMIT = `
if redis.call('HGET', KEYS[1], 'state') ~= 'pending' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'live', 'rev', 1)
redis.call('PERSIST', KEYS[1])
if ARGV[1] then redis.call('SET', KEYS[2], ARGV[1]) end
return 1
`;

/**
 * Whether the user has a name or address (lower case), or is about to take it. Where not, it never will by the change
 * that is under way. KEYS: record. ARGV: field, value, how long a claim holds (ms).
 */
export const HOLDS = `${NOW}
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held then return 0 end
if string.lower(held) == ARGV[2] then return 1 end
local claim = 'claim:' .. ARGV[1]
if redis.call('HGET', KEYS[1], claim) ~= ARGV[2] then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'claimed')) + ARGV[3] > now then return 1 end
redis.call('HDEL', KEYS[1], claim)
return 0
`;

/** Notes what a change is about to take. KEYS: record. ARGV: fields and values. Gives kind, name, address; or nil. */
export const CLAIM = `${NOW}
if redis.call('HGET', KEYS[1], 'state') ~= 'live' then return nil end
redis.call('HDEL', KEYS[1], 'claim:username', 'claim:email')
redis.call('HSET', KEYS[1], 'claimed', string.format('%.0f', now))
for i = 1, #ARGV, 2 do redis.call('HSET', KEYS[1], 'claim:' .. ARGV[i], ARGV[i + 1]) end
return redis.call('HMGET', KEYS[1], 'kind', 'username', 'email')
`;

/** Takes back what was noted, if it still stands: the change is off. KEYS: record. ARGV: as above. */
export const UNCLAIM = `
for i = 1, #ARGV, 2 do
  local claim = 'claim:' .. ARGV[i]
  if redis.call('HGET', KEYS[1], claim) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], claim) end
end
`;

/**
 * Changes a record. KEYS: record. ARGV: claimed name, claimed address (empty: none), how many arguments are fields and
 * values, those, then fields that go. Gives the record; 0 where a claim was lost, nil where there is no such user.
 */
export const APPLY = `
if redis.call('HGET', KEYS[1], 'state') ~= 'live' then return nil end
for i, field in ipairs({'claim:username', 'claim:email'}) do
  if ARGV[i] ~= '' and redis.call('HGET', KEYS[1], field) ~= ARGV[i] then return 0 end
end
if ARGV[1] ~= '' or ARGV[2] ~= '' then
  redis.call('HDEL', KEYS[1], 'claim:username', 'claim:email', 'claimed')
end
local set = tonumber(ARGV[3])
if set > 0 then redis.call('HSET', KEYS[1], unpack(ARGV, 4, 3 + set)) end
if #ARGV > 3 + set then redis.call('HDEL', KEYS[1], unpack(ARGV, 4 + set)) end
redis.call('HINCRBY', KEYS[1], 'rev', 1)
return redis.call('HGETALL', KEYS[1])
`;

/** KEYS: record. ARGV: epoch ms. */
export const TOUCH = `
if redis.call('HGET', KEYS[1], 'state') ~= 'live' then return end
if tonumber(ARGV[1]) > tonumber(redis.call('HGET', KEYS[1], 'lastSeen')) then
  redis.call('HSET', KEYS[1], 'lastSeen', ARGV[1])
end
`;

/** KEYS: record, password. ARGV: hash, the one that is expected, if any. */
export const SET_PASSWORD = `
local current = redis.call('GET', KEYS[2])
if not current or (ARGV[2] and current ~= ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`;

/** KEYS: record, password, devices. Gives name and address of who is being erased now; nil where there is nobody. */
export const START_ERASING = `
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'live' and state ~= 'erasing' then return nil end
redis.call('HSET', KEYS[1], 'state', 'erasing')
redis.call('HDEL', KEYS[1], 'claim:username', 'claim:email', 'claimed')
redis.call('DEL', KEYS[2], KEYS[3])
return redis.call('HMGET', KEYS[1], 'username', 'email')
`;

/** Takes a name or an address for the time being. KEYS: name. ARGV: user, lifetime (ms). Gives the user who has it. */
export const RESERVE = `
local owner = redis.call('GET', KEYS[1])
if owner then return owner end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
`;

/** Makes a reservation last. KEYS: name. ARGV: user. 0: it was lost. */
export const KEEP = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PERSIST', KEYS[1])
return 1
`;

/** Frees a name of this user. KEYS: name. ARGV: user. */
export const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/**
 * Counts a user in unless there are too many. KEYS: users of the kind, open, seq. ARGV: user, most, how long a change
 * may stay open (ms), how many of those that stayed open for longer to give. First of what it gives: 0 for too many.
 */
export const ENTER = `${NOW}
local stale = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3], 'LIMIT', 0, ARGV[4])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return {0, unpack(stale)} end
redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[3]), ARGV[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
return {1, unpack(stale)}
`;

/** Notes that the name of a user is about to change. KEYS: open. ARGV: user. */
export const OPEN = `${NOW}
redis.call('ZADD', KEYS[1], now, ARGV[1])
`;

/**
 * Makes the index say what the record says. KEYS: accounts, guests, open, names, indexed. ARGV: user; revision and name
 * of an account's record, nothing of a guest's; or `gone`, for who is no more. An older revision changes nothing.
 */
export const SETTLE = `
local user, rev, name = ARGV[1], ARGV[2], ARGV[3]
redis.call('ZREM', KEYS[3], user)
if not rev then return end
local function each(username, command)
  local lower = string.lower(username)
  for i = 0, #lower do
    local before = string.sub(lower, i, i)
    if i == 0 or before == '_' or before == '.' or before == '-' then
      local part = string.sub(lower, i + 1)
      if #part >= ${MIN_PREFIX} then
        local entry = part .. '\\0' .. user
        if command == 'ZADD' then redis.call('ZADD', KEYS[4], 0, entry) else redis.call('ZREM', KEYS[4], entry) end
      end
    end
  end
end
local known, indexed = string.match(redis.call('HGET', KEYS[5], user) or '', '^(%d+) (.+)$')
if rev ~= 'gone' then
  if known and tonumber(known) >= tonumber(rev) then return end
  if not redis.call('ZSCORE', KEYS[1], user) then return end
end
if indexed then each(indexed, 'ZREM') end
if rev == 'gone' then
  redis.call('HDEL', KEYS[5], user)
  redis.call('ZREM', KEYS[1], user)
  redis.call('ZREM', KEYS[2], user)
else
  each(name, 'ZADD')
  redis.call('HSET', KEYS[5], user, rev .. ' ' .. name)
end
`;
