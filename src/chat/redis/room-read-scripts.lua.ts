import { MAX_CHANGED } from '../engine/message.store';
import { FEED_BUCKETS, PRELUDE } from './room-prelude.lua';
import { OUTSIDERS } from './script-parts.lua';

/** Bytes of a message on the wire besides its value, roughly. */
const ENVELOPE_BYTES = 300;
/** Messages read at once: bounds what Lua puts on its stack. */
const CHUNK = 100;
/** Stretches of the log up to this length are read, not counted. */
const SCANNED = 64;

/** ARGV: user. 1 where the room stands and they are in it. */
export const IS_MEMBER = `${PRELUDE}${OUTSIDERS}
local type = redis.call('HGET', room, 'type')
return type and (not grouped() or redis.call('HEXISTS', base .. 'roll', ARGV[3]) == 1) and 1 or 0
`;

/** Gives the view of the room: its hash and its keys, flat; nil where it does not stand. */
export const VIEW = `${PRELUDE}
return redis.call('EXISTS', room) == 1 and view()
`;

/** ARGV: viewer, message id. Gives the value. */
export const FIND = `${PRELUDE}
local seq = redis.call('ZSCORE', log, ARGV[4])
local value = seq and redis.call('GET', message(seq))
return lives(value) and not goneFor(value, ARGV[3]) and full(value)
`;

/** ARGV: viewer, holder of an image. Gives the value. */
export const FIND_SHOWING = `${PRELUDE}
local seq = redis.call('HGET', base .. 'img', 'h' .. ARGV[4])
local value = seq and redis.call('GET', message(seq))
return lives(value) and not goneFor(value, ARGV[3]) and full(value)
`;

/** ARGV: user, message id. Gives 1 while a countdown of the user's runs. */
export const REVEALED = `${PRELUDE}
local seq = redis.call('ZSCORE', log, ARGV[4])
local value = seq and redis.call('GETRANGE', message(seq), 0, 100)
if not seq or value == '' or not lives(value) or not burns(value) then return 0 end
local reveal = redis.call('HGET', base .. 'rv:' .. seq, ARGV[3])
return reveal and tonumber(string.match(reveal, '^%d+')) > now and 1 or 0
`;

/**
 * Gives position, lastActivity, lastEvent, messages but system ones, how many wait, who joined, and of who left user and
 * sockets, flat.
 */
export const LIFE = `${PRELUDE}
local standing = redis.call('HMGET', room, 'position', 'lastActivity', 'lastEvent', 'system')
if not standing[1] then return false end
local messages = redis.call('ZCARD', log) - standing[4]
return { standing[1], standing[2], standing[3], messages, waiting(),
  redis.call('HKEYS', base .. 'in'), redis.call('HGETALL', base .. 'out') }
`;

const PAGES = `${PRELUDE}
local viewer = ARGV[3]

-- Live values from a seq on, upwards or downwards, at most so many and so large, and whether there are more.
local function take(from, upwards, count, bytes)
  local out, size = {}, 0
  while true do
    local found = redis.call('ZRANGE', log, from, upwards and '+inf' or '-inf', 'BYSCORE',
      unpack(upwards and { 'LIMIT', 0, ${CHUNK}, 'WITHSCORES' } or { 'REV', 'LIMIT', 0, ${CHUNK}, 'WITHSCORES' }))
    if #found == 0 then return out, 0 end
    local keys = {}
    for i = 2, #found, 2 do keys[#keys + 1] = message(found[i]) end
    for _, value in ipairs(redis.call('MGET', unpack(keys))) do
      if lives(value) and not goneFor(value, viewer) then
        size = size + #value + ${ENVELOPE_BYTES}
        if #out >= count or (size > bytes and #out > 0) then return out, 1 end
        out[#out + 1] = full(value)
      end
    end
    from = '(' .. found[#found]
  end
end
`;

/** ARGV: viewer, the seq before which, or '', most messages, most bytes. Gives the values, newest first, and 1 for more. */
export const PAGE = `${PAGES}
local values, more = take(ARGV[4] == '' and '+inf' or '(' .. ARGV[4], false, tonumber(ARGV[5]), tonumber(ARGV[6]))
return { values, more }
`;

/**
 * ARGV: viewer, since or '', epoch, time or '', most messages, most bytes. Gives the view, who joined, 1 for a gap, the values
 * (ascending after a resume point, else newest first), 1 for more, live ranges (from, to, flat), values that changed, and
 * the deadline to index, if there is one, and now.
 */
export const SNAPSHOT = `${PAGES}
if redis.call('EXISTS', room) == 0 then return false end
local since, count, bytes = tonumber(ARGV[4]), tonumber(ARGV[7]), tonumber(ARGV[8])
local here = redis.call('HKEYS', base .. 'in')

local function changed()
  local out = {}
  if ARGV[6] == '' then return out end
  local seqs = redis.call('ZRANGEBYSCORE', base .. 'chg', ARGV[6], '+inf')
  for _, seq in ipairs(seqs) do
    local value = tonumber(seq) <= since and redis.call('GET', message(seq))
    if lives(value) and not goneFor(value, viewer) then
      out[#out + 1] = full(value)
      if #out > ${MAX_CHANGED} then return nil end
    end
  end
  return out
end

local function ranges()
  local out, overdue = {}, {}
  local unswept = false
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now)) do
    local of, user = string.match(entry, '^r(%d+),(.*)$')
    if not of or user == viewer then
      overdue[tonumber(of or string.match(entry, '^b?(%d+)') or 0)] = true
      unswept = true
    end
  end
  for _, seq in ipairs(redis.call('SUNION', base .. 'gone:' .. viewer, base .. 'del')) do
    overdue[tonumber(seq)] = true
    unswept = true
  end
  -- Burn messages of others are for those who were there.
  local joined = redis.call('ZSCORE', base .. 'js', viewer)
  for _, one in ipairs(joined and redis.call('ZRANGE', base .. 'bn', '-inf', joined, 'BYSCORE') or {}) do
    local seq, sender = string.match(one, '^(%d+),(.*)$')
    if sender ~= viewer then
      overdue[tonumber(seq)] = true
      unswept = true
    end
  end
  local function add(from, to)
    if #out > 0 and out[#out] == from - 1 then
      out[#out] = to
    else
      out[#out + 1] = from
      out[#out + 1] = to
    end
  end
  -- Whole stretches are counted, so that a log without holes costs two calls.
  local function walk(from, to)
    local standing = redis.call('ZCOUNT', log, from, to)
    if standing == 0 then return end
    if standing == to - from + 1 and not unswept then return add(from, to) end
    if to - from < ${SCANNED} then
      local found = redis.call('ZRANGEBYSCORE', log, from, to, 'WITHSCORES')
      for i = 2, #found, 2 do
        local seq = tonumber(found[i])
        if not overdue[seq] then add(seq, seq) end
      end
      return
    end
    local middle = math.floor((from + to) / 2)
    walk(from, middle)
    walk(middle + 1, to)
  end
  local first = redis.call('ZRANGE', log, 0, 0, 'WITHSCORES')[2]
  local last = redis.call('ZREVRANGEBYSCORE', log, since, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if first and last then walk(tonumber(first), tonumber(last)) end
  return out
end

-- How far all other members have come, of rooms that are not direct.
local function watermarks()
  local marks = {}
  for i, set in ipairs({ 'wd', 'ws' }) do
    local two = redis.call('ZRANGE', base .. set, 0, 1, 'WITHSCORES')
    if #two == 0 then return false end
    marks[i] = tonumber(two[1] == viewer and two[4] or two[2]) or 0
    if two[1] == viewer and not two[4] then marks[i] = 0 end
  end
  return marks
end

local standing = redis.call('HMGET', room, 'epoch', 'lastSeq')
if since and standing[1] == ARGV[5] and since <= tonumber(standing[2]) then
  local rose = changed()
  if rose then
    local values, more = take('(' .. since, true, count, bytes)
    return { view(), here, 0, values, more, ranges(), rose, unindexed(), now, watermarks() }
  end
end
local values, more = take('+inf', false, count, bytes)
return { view(), here, since and 1 or 0, values, more, {}, {}, unindexed(), now, watermarks() }
`;

/**
 * ARGV: the last position known, 0 for none. What happened since, as it can still be told: position or nil, 1 where
 * nothing is missing, and kind, position and body of each event, flat; the body is nil where what it told is gone.
 */
export const MISSED = `${PRELUDE}
local last, entries, closed = tonumber(ARGV[3]), {}, 0
for back = ${FEED_BUCKETS}, 0, -1 do
  for _, entry in ipairs(redis.call('LRANGE', base .. 'feed:' .. bucket(back), 0, -1)) do
    local kind, position, note = string.match(entry, '^(%a) (%d+) %d+ (.*)$')
    position = tonumber(position)
    if position > last then
      entries[#entries + 1] = { kind, position, note }
      if kind == 'c' then closed = #entries end
    end
  end
end
local position = tonumber(redis.call('HGET', room, 'position') or nil)

local function occupancy(user) return cjson.encode({ user, redis.call('HKEYS', base .. 'in') }) end
local rebuild = {
  m = function(seq)
    local value = redis.call('GET', message(seq))
    return lives(value) and full(value)
  end,
  e = function(seq)
    local value = redis.call('GET', message(seq))
    return lives(value) and not isDeleted(value) and full(value)
  end,
  d = function(note) return note end,
  a = function(note)
    local about, seq = unpack(cjson.decode(note))
    local value = redis.call('GET', message(seq))
    return lives(value) and not isDeleted(value) and cjson.encode({ about, redis.call('HGETALL', base .. 're:' .. seq) })
  end,
  s = function(note)
    local common, ranges = unpack(cjson.decode(note))
    local raised = {}
    for _, range in ipairs(ranges) do
      local found = redis.call('ZRANGEBYSCORE', log, range[2], range[3], 'WITHSCORES')
      for i = 1, #found, 2 do
        local _, _, deadline = header(redis.call('GETRANGE', message(found[i + 1]), 0, 100))
        local moved = range[4] and tonumber(deadline) or nil
        raised[#raised + 1] = { found[i], tonumber(found[i + 1]), range[1], moved }
      end
    end
    return (#raised > 0 or common[5]) and cjson.encode({ common, raised })
  end,
  x = function(note) return note end,
  o = function(note)
    local previous, user = string.match(note, '^(%d+) (.*)$')
    return position and cjson.encode({ previous, user, view() })
  end,
  u = function() return position and cjson.encode(view()) end,
  p = function(user)
    return position and cjson.encode({ user, redis.call('HEXISTS', base .. 'roll', user), view() })
  end,
  k = function(user)
    local key = redis.call('HGET', base .. 'keys', user)
    return key and cjson.encode({ user, key })
  end,
  j = occupancy,
  l = occupancy,
  r = function(note) return note end,
  c = function(reason) return reason end,
}

-- A closing stands for everything before it, and what came before is of messages that other seqs mean now.
local from = math.max(closed, 1)
local first = entries[from]
local whole
if not first then
  whole = last == (position or 0)
else
  local previous = first[1] == 'o' and string.match(first[3], '^(%d+)')
  whole = closed > 0 or first[2] == last + 1 or (previous and (last == 0 or tonumber(previous) == last))
end
local out = { position or false, whole and 1 or 0 }
for i = from, #entries do
  local kind, at, note = unpack(entries[i])
  out[#out + 1] = kind
  out[#out + 1] = at
  out[#out + 1] = rebuild[kind](note) or false
end
return out
`;
