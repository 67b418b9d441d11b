/** How long a node may be at work on what it claimed before it is handed out again, ms. */
const CLAIM_MS = 30_000;
/** How long a node that has less than its share is remembered; it says so again with each look at the leases, ms. */
const WANTED_MS = 2500;

/**
 * KEYS[1] is what all keys of the queue begin with: they share a slot. Of each shard there are
 *
 * | key | type | |
 * |---|---|---|
 * | `at:<shard>` | zset | `<kind> <key>` → deadline |
 * | `claimed:<shard>` | zset | `<deadline> <kind> <key>` → when it is handed out again unless it was settled |
 * | `owner:<shard>` | string | the node that hands out the shard's items, with PX |
 * | `wanted` | string | there is a node that has less than its share, with PX |
 */
const PRELUDE = `
local base = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function next(shard) return redis.call('ZRANGE', base .. 'at:' .. shard, 0, 0, 'WITHSCORES')[2] or false end

-- Gives back what was claimed and not settled until then.
local function giveBack(shard, before)
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', base .. 'claimed:' .. shard, '-inf', before)) do
    local deadline, item = string.match(entry, '^(%d+) (.*)$')
    redis.call('ZADD', base .. 'at:' .. shard, 'LT', deadline, item)
    redis.call('ZREM', base .. 'claimed:' .. shard, entry)
  end
end
`;

/**
 * ARGV: shard, item, deadline, 1 to keep an earlier one, channel. Tells the channel where the shard's next deadline is
 * earlier now. Gives that deadline.
 */
export const SCHEDULE = `${PRELUDE}
local shard, item, deadline = ARGV[1], ARGV[2], ARGV[3]
local before = next(shard)
if ARGV[4] == '1' then
  redis.call('ZADD', base .. 'at:' .. shard, 'LT', deadline, item)
else
  redis.call('ZADD', base .. 'at:' .. shard, deadline, item)
end
local first = next(shard)
if not before or tonumber(first) < tonumber(before) then redis.call('PUBLISH', ARGV[5], shard .. ' ' .. first) end
return first
`;

/**
 * ARGV: node, most items, shards. Gives the items with their deadlines, flat, the earliest first; and of each shard, in
 * the order asked, its next deadline, '' for none, or '0' where it is another node's.
 */
export const CLAIM = `${PRELUDE}
local limit, due, nexts = tonumber(ARGV[2]), {}, {}
local mine = {}
for i = 3, #ARGV do
  local shard = ARGV[i]
  mine[shard] = redis.call('GET', base .. 'owner:' .. shard) == ARGV[1]
  if mine[shard] then
    giveBack(shard, now)
    local found = redis.call('ZRANGE', base .. 'at:' .. shard, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
    for j = 1, #found, 2 do due[#due + 1] = { found[j], found[j + 1], shard } end
  end
end
table.sort(due, function(a, b) return tonumber(a[2]) < tonumber(b[2]) end)
local items = {}
for i = 1, math.min(limit, #due) do
  local item, deadline, shard = unpack(due[i])
  redis.call('ZREM', base .. 'at:' .. shard, item)
  redis.call('ZADD', base .. 'claimed:' .. shard, now + ${CLAIM_MS}, deadline .. ' ' .. item)
  items[#items + 1] = item
  items[#items + 1] = deadline
end
for i = 3, #ARGV do nexts[#nexts + 1] = mine[ARGV[i]] and (next(ARGV[i]) or '') or '0' end
return { items, nexts }
`;

/** ARGV: shard and entry of the claimed, in turn. */
export const SETTLE = `${PRELUDE}
for i = 1, #ARGV, 2 do redis.call('ZREM', base .. 'claimed:' .. ARGV[i], ARGV[i + 1]) end
`;

/**
 * ARGV: node, length of a lease (ms), how many shards it may have (0: it goes), how many there are, and free ones to be taken beyond
 * that. Renews the leases of the node, gives up those beyond its share if they are wanted, takes free ones up to it. Gives for each shard 1
 * where it is the node's, 2 where it is nobody's, else 0; and its next deadline, '' for none.
 */
export const LEASE = `${PRELUDE}
local node, length, share, taken, out = ARGV[1], ARGV[2], tonumber(ARGV[3]), 0, {}
local forsaken = {}
for i = 5, #ARGV do forsaken[ARGV[i]] = true end
local states, wanted = {}, redis.call('EXISTS', base .. 'wanted') == 1
for shard = 0, ARGV[4] - 1 do
  local owner = base .. 'owner:' .. shard
  local standing = redis.call('GET', owner)
  states[shard] = standing and 0 or 2
  if standing == node and (taken < share or (share > 0 and not wanted)) then
    redis.call('PEXPIRE', owner, length)
    taken = taken + 1
    states[shard] = 1
  elseif standing == node then
    redis.call('DEL', owner)
    states[shard] = 2
  end
end
for shard = 0, ARGV[4] - 1 do
  if states[shard] == 2 and (taken < share or forsaken[tostring(shard)]) then
    redis.call('SET', base .. 'owner:' .. shard, node, 'PX', length)
    -- Whoever had it is gone, or has it no more.
    giveBack(shard, '+inf')
    taken = taken + 1
    states[shard] = 1
  end
  out[#out + 1] = states[shard]
  out[#out + 1] = next(shard) or ''
end
if taken < share then redis.call('SET', base .. 'wanted', 1, 'PX', ${WANTED_MS}) end
return out
`;

/** ARGV: number of shards, time. Gives the earliest deadline, nil for none, and how many are at or before the time. */
export const PEEK = `${PRELUDE}
local earliest, count = nil, 0
for shard = 0, ARGV[1] - 1 do
  local first = tonumber(next(shard) or nil)
  if first and (not earliest or first < earliest) then earliest = first end
  count = count + redis.call('ZCOUNT', base .. 'at:' .. shard, '-inf', ARGV[2])
end
return { earliest or false, count }
`;
