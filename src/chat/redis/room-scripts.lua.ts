import { MESSAGE_TYPES } from '../engine/message';
import { DEDUPE_MS } from '../engine/room-feed';
import { CLOSING, ERASE, OUTSIDERS, STORE } from './script-parts.lua';

/** How long events stay readable as ids: whole buckets of this many milliseconds, six of them at most. */
const FEED_BUCKET_MS = 10_000;
export const FEED_BUCKETS = 6;
/** Messages that get a deadline in one go when a room stops to keep its history. */
const ENDED_AT_ONCE = 500;
/** Names that nothing shows any more, taken away by one sweep. */
const FORGOTTEN_AT_ONCE = 100;
const SYSTEM = MESSAGE_TYPES.indexOf('system');
/** As a digit of a message's value. */
export const DELETED = MESSAGE_TYPES.indexOf('deleted');

/**
 * What all scripts of a room share. KEYS[1] is the room's hash; everything else of the room has the same hash tag and
 * is named after it. ARGV[1] is the room's id, ARGV[2] the channels that its events go to, separated by spaces.
 *
 * | key | type | |
 * |---|---|---|
 * | `room` | hash | id, type, epoch, members, settings, ttl (its default lifetime, s), times, lastSeq, position, counts |
 * | `log` | zset | message id → seq |
 * | `m:<seq>` | string | one message, with PX at its deadline: see below |
 * | `due` | zset | what ends → deadline: `<seq>,<bytes>,<sender>,<digest>` a message (with `b` before it: by its countdown), `d<seq>,<digest>` what is left of one, `r<seq>,<user>` a countdown of one user, `e<seq>,<deadline>` what was kept up to a seq gets this deadline |
 * | `kept` | zset | messages without a deadline, as in `due` → seq |
 * | `s:<user>`, `v:<user>` | zset | messages of a user that are sent; that are delivered and not seen: seq → seq |
 * | `own` | zset | of rooms that are not direct: `<user>,<seq in 12 digits>` of messages that count |
 * | `bn` | zset | of the same: `<seq>,<user>` of burn messages → seq |
 * | `sys` | zset | of the same: seqs of messages that do not count |
 * | `chg` | zset | seq → when it was last changed: status, edit, deletion, reaction |
 * | `re:<seq>` | hash | emoji → `<number of the kind> <user> …` of who reacted with it, with PX as the message |
 * | `rx`, `del` | set | seqs of messages that have reactions; of which a tombstone is left |
 * | `rp:<seq>` | hash | user → `<id>,<createdAt>,<JSON of the reason>` of who reported it, with PX as the message |
 * | `rps` | zset | `<seq>,<user>` of reports → seq |
 * | `names` | hash | user → name, of those whom notes, tombstones and replies name: they have only ids |
 * | `nm` | zset | the same users → the deadline until which something may name them, `inf` where it is kept |
 * | `dd` | hash | digest of sender and clientId → `<24 hex> <seq> <createdAt> <deadline>` |
 * | `rt` | hash | of direct rooms: seq → `<delivered at> <seen at>`, the latter once it was |
 * | `rv:<seq>` | hash | user → `<until> <revealed at> <revealId>` of who revealed a burn message, with PX as the message |
 * | `rvs` | set | seqs of messages that somebody revealed |
 * | `img` | hash | `s<seq>` → `<holder> <filename>` of a message with an image, `h<holder>` → seq |
 * | `gone:<user>` | set | seqs of burn messages that are gone for this user alone |
 * | `keys` | hash | user → public key |
 * | `cl` | hash | user that a socket claimed → digest of the key by which another can take them over |
 * | `in`, `out` | hash | user → `<node>/<socket>` of the sockets that joined, that left, separated by spaces |
 * | `feed:<bucket>` | list | `<kind> <position> <time> <note>` of what happened, without contents, gone after a minute |
 *
 * A message's value is `<status><type><burn><24 hex of the id><seq>,<createdAt>,<deadline>,<seenTtl>,<JSON>`: a digit each
 * for status, type and burn (1 it is one, 2 its countdown runs), times in ms; `seenTtl` (s) is a lifetime that starts when
 * all recipients have seen it. What a reply shows of another message is no part of it: see `full`.
 *
 * Positions begin at the time of the room's opening, so that they never repeat when it is opened anew.
 */
export const PRELUDE = `
local room = KEYS[1]
local base = string.sub(room, 1, -5)
local log, due = base .. 'log', base .. 'due'
local roomId, channels = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function message(seq) return base .. 'm:' .. seq end

-- Seq, creation, deadline ('0': kept) and lifetime from being seen of a message's value.
local function header(value) return string.match(value, '^(%d+),(%d+),(%d+),(%d*),', 28) end

local function burns(value) return string.sub(value, 3, 3) ~= '0' end

local function lives(value)
  if not value then return false end
  local _, _, deadline = header(value)
  return deadline == '0' or tonumber(deadline) > now
end

-- Whether a burn message that lives is gone for one user, or was never sent to them.
local function goneFor(value, user)
  if not burns(value) then return false end
  local seq = header(value)
  local joined = redis.call('ZSCORE', base .. 'js', user)
  if joined and tonumber(joined) >= tonumber(seq) and not string.find(value, ',["' .. user .. '",', 28, true) then
    return true
  end
  local reveal = redis.call('HGET', base .. 'rv:' .. seq, user)
  return reveal and tonumber(string.match(reveal, '^%d+')) <= now
end

local function isDeleted(value) return string.sub(value, 2, 2) == '${DELETED}' end

-- Until a deadline ('0': for good) something in the room names the user.
local function remember(user, name, deadline)
  redis.call('HSET', base .. 'names', user, name)
  redis.call('ZADD', base .. 'nm', 'GT', tonumber(deadline) == 0 and '+inf' or deadline, user)
end

local function forgetName(user)
  redis.call('ZREM', base .. 'nm', user)
  redis.call('HDEL', base .. 'names', user)
end

-- A message's value as nodes read it: where it has reactions, answers another message or has ids in place of names,
-- these follow as JSON in a line of their own, as they are now. (Inside a JSON string the quotes of the patterns would
-- be escaped.)
local annotated
local function full(value)
  if annotated == nil then annotated = redis.call('EXISTS', base .. 'rx') == 1 end
  local kind = string.sub(value, 2, 2)
  local nameless = kind == '${SYSTEM}' or kind == '${DELETED}'
  local quoted, author = string.match(value, '"replyTo":{"seq":(%d+),"id":"[^"]*","senderId":"([^"]*)"')
  if not quoted and not annotated and not nameless then return value end
  local seq = header(value)
  local reactions = redis.call('HGETALL', base .. 're:' .. seq)
  if not quoted and #reactions == 0 and not nameless then return value end
  local names = {}
  local function name(user)
    local known = user and redis.call('HGET', base .. 'names', user)
    if known then
      names[#names + 1] = user
      names[#names + 1] = known
    end
  end
  name(author)
  if nameless then
    name(string.match(value, ',%["([^"]*)"', 28))
    name(string.match(value, '"targetId":"([^"]*)"'))
  end
  local original = quoted and redis.call('GET', message(quoted))
  local hidden = quoted and string.find(redis.call('HGET', room, 'settings'), '"encrypted":true', 1, true)
  if hidden or not lives(original) or burns(original) or isDeleted(original) then original = nil end
  return value .. '\\n' .. cjson.encode({ reactions = reactions, quoted = original, names = names })
end

local function padded(seq) return string.format('%012d', seq) end

-- A message of a room that is not direct counts no more; where it stays in the log, it is noted as not counted.
local function countOut(seq, sender, stays)
  redis.call('ZREM', base .. 'bn', seq .. ',' .. sender)
  if redis.call('ZREM', base .. 'own', sender .. ',' .. padded(seq)) == 1 and stays then
    redis.call('ZADD', base .. 'sys', seq, seq)
  end
end

local function idOf(seq) return redis.call('ZRANGEBYSCORE', log, seq, seq)[1] end

-- A message that may have been reported goes.
local function dropReports(seq)
  if redis.call('ZREMRANGEBYSCORE', base .. 'rps', seq, seq) > 0 then redis.call('UNLINK', base .. 'rp:' .. seq) end
end

local function dropAllReports()
  for _, one in ipairs(redis.call('ZRANGE', base .. 'rps', 0, -1)) do
    redis.call('UNLINK', base .. 'rp:' .. string.match(one, '^%d+'))
  end
  redis.call('UNLINK', base .. 'rps')
end

local images = {}

-- A message with an image goes: notes what is to be told of it.
local function dropImage(seq)
  local shown = redis.call('HGET', base .. 'img', 's' .. seq)
  if not shown then return end
  redis.call('HDEL', base .. 'img', 's' .. seq, 'h' .. string.match(shown, '^%S+'))
  images[#images + 1] = shown
end

local function members()
  local ids = {}
  for _, member in ipairs(cjson.decode(redis.call('HGET', room, 'members'))) do ids[#ids + 1] = member.userId end
  return ids
end

local function waiting()
  local count = 0
  for _, id in ipairs(members()) do count = count + redis.call('ZCARD', base .. 's:' .. id) end
  return count
end

local function view() return { redis.call('HGETALL', room), redis.call('HGETALL', base .. 'keys') } end

local function bucket(back) return math.floor(now / ${FEED_BUCKET_MS}) - back end

-- Counts one thing that happened, notes it in the feed and tells it.
local function publish(kind, note, body)
  local position = redis.call('HINCRBY', room, 'position', 1)
  redis.call('HSET', room, 'lastEvent', now)
  local feed = base .. 'feed:' .. bucket(0)
  if redis.call('RPUSH', feed, kind .. ' ' .. position .. ' ' .. now .. ' ' .. note) == 1 then
    redis.call('PEXPIREAT', feed, (bucket(0) + ${FEED_BUCKETS}) * ${FEED_BUCKET_MS})
  end
  local event = kind .. ' ' .. position .. ' ' .. roomId .. ' ' .. body
  for channel in string.gmatch(channels, '%S+') do redis.call('PUBLISH', channel, event) end
  return position
end

-- The earliest deadline of the room, if the expiry queue need not know of it yet.
local function unindexed()
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
  local indexed = redis.call('HGET', room, 'indexed')
  return first and not (indexed and tonumber(indexed) <= tonumber(first)) and first or false
end
`;

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
