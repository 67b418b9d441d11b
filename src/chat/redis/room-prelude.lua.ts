import { MESSAGE_TYPES } from '../engine/message';

/** How long events stay readable as ids: whole buckets of this many milliseconds, six of them at most. */
const FEED_BUCKET_MS = 10_000;
export const FEED_BUCKETS = 6;
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
