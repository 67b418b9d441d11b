import { MESSAGE_TYPES } from '../engine/message';
import { DEDUPE_MS } from '../engine/room-feed';
import { FEED_BUCKETS, PRELUDE } from './room-prelude.lua';
import { CLOSING, ERASE, OUTSIDERS, STORE } from './script-parts.lua';

/** Messages that get a deadline in one go when a room stops to keep its history. */
const ENDED_AT_ONCE = 500;
/** Names that nothing shows any more, taken away by one sweep. */
const FORGOTTEN_AT_ONCE = 100;
const SYSTEM = MESSAGE_TYPES.indexOf('system');

/** ARGV: draft's epoch, type, members, settings, ttl, createdAt, openedBy. Gives whether it was made, and the view. */
export const OPEN = `${PRELUDE}
if redis.call('EXISTS', room) == 1 then return { 0, view() } end
local previous = '0'
for back = 0, ${FEED_BUCKETS} do
  local last = redis.call('LINDEX', base .. 'feed:' .. bucket(back), -1)
  if last then
    previous = string.match(last, '^%a (%d+)')
    break
  end
end
redis.call('HSET', room, 'id', roomId, 'epoch', ARGV[3], 'type', ARGV[4], 'members', ARGV[5], 'settings', ARGV[6],
  'ttl', ARGV[7], 'createdAt', ARGV[8], 'lastActivity', ARGV[8], 'lastSeq', 0, 'system', 0, 'bytes', 0,
  'position', math.max(now, tonumber(previous) + 1))
publish('o', previous .. ' ' .. ARGV[9], cjson.encode({ previous, ARGV[9], view() }))
return { 1, view() }
`;

/**
 * ARGV: 24 hex digits, sender, type, ttl (s, '' for the room's), longest lifetime (ms), most messages, 1 where the server
 * is full, digest of sender and clientId or '', JSON, 1 for a burn message, 1 where the lifetime starts when all
 * recipients have seen it, `<holder> <filename>` of an image or '', the seq that it answers or '', its sender and their name. Gives nil, `new`,
 * `again`, `room` (is full), `server`, `reply` (to what is gone), or `refused` and why, or `slow` and for how long (ms);
 * then the value, the deadline to index, the epoch, the bytes taken, the type of the room, and of messages
 * that made place how many they were and `<holder> <filename>` of images; of a repeat what is remembered of the first.
 */
export const APPEND = `${PRELUDE}${OUTSIDERS}${STORE}${ERASE}
local hex, sender, kind, ttl, longest = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local digest, json = ARGV[10], ARGV[11]
local standing = redis.call('HMGET', room, 'epoch', 'ttl', 'indexed', 'type', 'slow', 'creatorId')
if not standing[1] then return false end
local group = standing[6] and kind ~= ${SYSTEM}
local roll = group and redis.call('HGET', base .. 'roll', sender)
if group and not roll then return { 'refused', outsider(standing[4], sender) } end
if digest ~= '' then
  local first = redis.call('HGET', base .. 'dd', digest)
  if first then
    local seq, created, deadline = string.match(first, '^%x+ (%d+) (%d+) (%d+)$')
    if deadline == '0' or tonumber(deadline) > now or created + ${DEDUPE_MS} > now then
      local value = redis.call('GET', message(seq))
      return { 'again', lives(value) and full(value), unindexed(), standing[1], 0, first }
    end
  end
end
if ARGV[15] ~= '' then
  local original = redis.call('GET', message(ARGV[15]))
  if not lives(original) or isDeleted(original) or string.sub(original, 2, 2) == '${SYSTEM}' then return { 'reply' } end
end
local isFull = redis.call('ZCARD', log) >= tonumber(ARGV[8])
if isFull and standing[2] ~= '' then return { 'room' } end
if ARGV[9] == '1' then return { 'server' } end
if group and holds(base .. 'mutes', sender) then return { 'refused', 'muted' } end
local pause = group and string.sub(roll, 1, 1) == '0' and tonumber(standing[5]) * 1000 or 0
if pause > 0 then
  local wait = (redis.call('GET', base .. 'slow:' .. sender) or -pause) + pause - now
  if wait > 0 then return { 'slow', wait } end
  redis.call('SET', base .. 'slow:' .. sender, now, 'PX', pause)
end
if isFull then dropOldest() end
if ttl == '' then ttl = standing[2] end
local seenTtl = ''
local company = ARGV[13] == '1' and (group and tonumber(redis.call('HGET', room, 'memberCount')) or #members()) or 0
if company > 1 and ttl ~= '' then
  seenTtl = ttl
  ttl = longest
end
local deadline = ttl == '' and 0 or now + math.min(ttl * 1000, longest)
if ARGV[15] ~= '' then remember(ARGV[16], ARGV[17], deadline) end
local value, bytes = store({ hex = hex, sender = sender, kind = kind, burn = ARGV[12], seenTtl = seenTtl,
  deadline = deadline, digest = digest, json = json, image = ARGV[14], answers = ARGV[15] ~= '', counted = not group, grouped = standing[6] })
local late = deadline == 0 or (standing[3] and tonumber(standing[3]) <= deadline)
local freedMessages = freed.count - freed.system
return { 'new', value, not late and unindexed(), standing[1], bytes - freed.bytes, standing[4], freedMessages, images }
`;

/**
 * ARGV: epoch, deadline. Notes that the expiry queue knows of the deadline; not once it has come, for then the queue may
 * have handed it out already.
 */
export const INDEXED = `${PRELUDE}
if redis.call('HGET', room, 'epoch') ~= ARGV[3] or tonumber(ARGV[4]) <= now then return end
local indexed = redis.call('HGET', room, 'indexed')
if not indexed or tonumber(ARGV[4]) < tonumber(indexed) then redis.call('HSET', room, 'indexed', ARGV[4]) end
`;

/** ARGV: JSON of the settings named, ttl as in the room ('' keeps history), 1 where the ttl is named. Gives the view. */
export const CONFIGURE = `${PRELUDE}
local settings = redis.call('HGET', room, 'settings')
if not settings then return false end
settings = cjson.decode(settings)
for name, value in pairs(cjson.decode(ARGV[3])) do settings[name] = value end
redis.call('HSET', room, 'settings', cjson.encode(settings), 'lastActivity', now)
if ARGV[5] == '1' then redis.call('HSET', room, 'ttl', ARGV[4]) end
publish('u', '', cjson.encode(view()))
return view()
`;

/** ARGV: user, key. */
export const SET_KEY = `${PRELUDE}${OUTSIDERS}
local type = redis.call('HGET', room, 'type')
if not type or redis.call('HGET', base .. 'keys', ARGV[3]) == ARGV[4] then return end
if grouped() and redis.call('HEXISTS', base .. 'roll', ARGV[3]) == 0 then return end
redis.call('HSET', base .. 'keys', ARGV[3], ARGV[4])
publish('k', ARGV[3], cjson.encode({ ARGV[3], ARGV[4] }))
`;

/**
 * ARGV: most messages to erase. Gives how many were erased, how many still wait, the next deadline or nil, the bytes
 * freed, how many of the erased were system messages, and `<holder> <filename>` of images that they showed.
 */
export const SWEEP = `${PRELUDE}${ERASE}
if redis.call('EXISTS', room) == 0 then return false end
local ofUser = {}
local function endCountdown(seq, user)
  redis.call('SADD', base .. 'gone:' .. user, seq)
  local id = idOf(seq)
  if not id then return end
  ofUser[user] = ofUser[user] or {}
  table.insert(ofUser[user], id)
end
-- Gives messages without a deadline one, some at a time.
local function endHistory(entry, upTo, deadline)
  local some = redis.call('ZRANGEBYSCORE', base .. 'kept', '-inf', upTo, 'LIMIT', 0, ${ENDED_AT_ONCE})
  for _, one in ipairs(some) do
    local seq = string.match(one, '^%d+')
    local value = redis.call('GET', message(seq))
    redis.call('ZREM', base .. 'kept', one)
    if value then
      local head, rest = string.match(value, '^(%d+,%d+,)%d+(,.*)$', 28)
      redis.call('SET', message(seq), string.sub(value, 1, 27) .. head .. deadline .. rest, 'PXAT', deadline)
      redis.call('PEXPIREAT', base .. 're:' .. seq, deadline)
      redis.call('PEXPIREAT', base .. 'rv:' .. seq, deadline)
      redis.call('PEXPIREAT', base .. 'rp:' .. seq, deadline)
    end
    redis.call('ZADD', due, deadline, one)
  end
  if #some == ${ENDED_AT_ONCE} then redis.call('ZADD', due, now, entry) end
end
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[3])) do
  redis.call('ZREM', due, entry)
  local kind = string.match(entry, '^%a')
  if kind == 'd' then
    forget(string.match(entry, '^d(%d+),(.*)$'))
  elseif kind == 'r' then
    endCountdown(string.match(entry, '^r(%d+),(.*)$'))
  elseif kind == 'e' then
    endHistory(entry, string.match(entry, '^e(%d+),(%d+)$'))
  else
    erase(entry, kind == 'b' and 'burned' or 'expired')
  end
end
for _, user in ipairs(redis.call('ZRANGEBYSCORE', base .. 'nm', '-inf', now, 'LIMIT', 0, ${FORGOTTEN_AT_ONCE})) do
  forgetName(user)
end
local next = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
-- Whoever sweeps puts it on the queue before the queue forgets this turn: from here on it counts as known there.
if next then
  redis.call('HSET', room, 'indexed', next)
else
  redis.call('HDEL', room, 'indexed')
end
settle()
for user, ids in pairs(ofUser) do tellGone('burned', user, ids) end
return { freed.count, waiting(), next or false, freed.bytes, freed.system, images }
`;

/**
 * ARGV: reason, position or ''. Gives nil where it was not closed, else the epoch, the deadline on the queue or nil, now,
 * and what the room had: messages but system ones, bytes, joined users; the members of a direct room, and of others the
 * lists that have users on them: list, user and token, flat; `<holder>
 * <filename>` of images.
 */
export const CLOSE = `${PRELUDE}${CLOSING}
local position = redis.call('HGET', room, 'position')
if not position or (ARGV[4] ~= '' and ARGV[4] ~= position) then return false end
return closeRoom(ARGV[3])
`;
