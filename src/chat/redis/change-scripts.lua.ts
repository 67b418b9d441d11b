import { ROOM_ROLES } from '../engine/membership';
import { MAX_REACTION_KINDS, MESSAGE_TYPES } from '../engine/message';
import { RECEIPTS } from './receipt-scripts.lua';
import { DELETED } from './room-prelude.lua';

const MODERATOR = ROOM_ROLES.indexOf('moderator');
const SYSTEM = MESSAGE_TYPES.indexOf('system');

/** ARGV of all: user, message id; last `erased` where an own message is meant of who may be no member any more. */
const CHANGES = `${RECEIPTS}
local user, id = ARGV[3], ARGV[4]
local seq = redis.call('ZSCORE', log, id)
local value = seq and redis.call('GET', message(seq))
if not lives(value) or goneFor(value, user) then return false end
if ARGV[#ARGV] ~= 'erased' and not isMember(user) then return false end

-- Puts other JSON into the value, and digits for type and burn if given; \`sender\` replaces that of what ends it, whose
-- prefix goes then. The deadline stays. Gives the value and the bytes that it grew by.
local function rewrite(json, digits, sender)
  local _, created, deadline, seenTtl = header(value)
  local new = string.sub(value, 1, 1) .. (digits or string.sub(value, 2, 3)) .. string.sub(value, 4, 27) .. seq .. ','
    .. created .. ',' .. deadline .. ',' .. seenTtl .. ',' .. json
  local grown, entry, list, score = #new - #value, dueEntry(seq, deadline), due, deadline
  if deadline == '0' then
    list, score = base .. 'kept', seq
    entry = redis.call('ZRANGEBYSCORE', list, seq, seq)[1]
  end
  if deadline == '0' then
    redis.call('SET', message(seq), new)
  else
    redis.call('SET', message(seq), new, 'PXAT', deadline)
  end
  if entry then
    local prefix, bytes, from, digest = string.match(entry, '^(b?)%d+,(%d+),([^,]*),(.*)$')
    redis.call('ZREM', list, entry)
    redis.call('ZADD', list, score,
      (sender and '' or prefix) .. seq .. ',' .. (bytes + grown) .. ',' .. (sender or from) .. ',' .. digest)
  end
  redis.call('HINCRBY', room, 'bytes', grown)
  redis.call('ZADD', base .. 'chg', now, seq)
  return new, grown
end

-- Whether the value is still the one that the caller has read: its JSON is only ever changed by an edit or a deletion.
local function isKnown(json) return string.match(value, '^%d+,%d+,%d+,%d*,(.*)$', 28) == json end
`;

/** Gives the value; nil where there is no such message for the user. */
export const STANDING = `${CHANGES}
return full(value)
`;

/** ARGV: the JSON as it was read, and as it is to be. Gives nil, `changed`, or `done` with the value and the bytes it grew by. */
export const EDIT = `${CHANGES}
if not isKnown(ARGV[5]) then return { 'changed' } end
local new, grown = rewrite(ARGV[6])
publish('e', seq, full(new))
return { 'done', full(new), grown }
`;

/**
 * ARGV: the JSON as it was read, that of the tombstone, the message's sender, their name or ''. Gives nil, `changed`, `foreign`, or `done` with the
 * bytes it grew by, how many messages wait, 1 where it was deleted before, and `<holder> <filename>` of its image.
 */
export const DELETE = `${CHANGES}
local function mayModerate()
  local role = string.match(redis.call('HGET', base .. 'roll', user) or '', '^%d')
  return role and tonumber(role) >= ${MODERATOR}
end
if ARGV[7] ~= user and not mayModerate() then return { 'foreign' } end
if not isKnown(ARGV[5]) then return { 'changed' } end
if isDeleted(value) then
  if ARGV[8] == '' then forgetName(ARGV[7]) end
  return { 'done', 0, waiting(), 1, images }
end
local reveals = base .. 'rv:' .. seq
for _, one in ipairs(redis.call('HKEYS', reveals)) do
  redis.call('SREM', base .. 'gone:' .. one, seq)
  redis.call('ZREM', due, 'r' .. seq .. ',' .. one)
end
redis.call('UNLINK', reveals, base .. 're:' .. seq)
redis.call('SREM', base .. 'rx', seq)
redis.call('SREM', base .. 'rvs', seq)
redis.call('HDEL', base .. 'rt', seq)
redis.call('SADD', base .. 'del', seq)
dropImage(seq)
dropReports(seq)
redis.call('ZREM', base .. 's:' .. ARGV[7], seq)
countOut(seq, ARGV[7], true)
redis.call('ZREM', base .. 'v:' .. ARGV[7], seq)
redis.call('HINCRBY', room, 'system', 1)
local _, _, deadline = header(value)
if ARGV[8] == '' then forgetName(ARGV[7]) else remember(ARGV[7], ARGV[8], deadline) end
local _, grown = rewrite(ARGV[6], '${DELETED}0', '')
local told = cjson.encode({ id, user, now })
publish('d', told, told)
return { 'done', grown, waiting(), 0, images }
`;

/** ARGV: emoji, `added` or `removed`. Gives nil, `done`, `fixed` or `full`. */
export const REACT = `${CHANGES}
if isDeleted(value) then return false end
if string.sub(value, 2, 2) == '${SYSTEM}' then return 'fixed' end
local emoji, action, key = ARGV[5], ARGV[6], base .. 're:' .. seq
local standing = redis.call('HGET', key, emoji)
local users = standing and standing .. ' ' or ''
local from, to = string.find(users, ' ' .. user .. ' ', 1, true)
if (action == 'added') == (from ~= nil) then return 'done' end
if action == 'added' then
  if not standing then
    if redis.call('HLEN', key) >= ${MAX_REACTION_KINDS} then return 'full' end
    local last = 0
    for _, kind in ipairs(redis.call('HVALS', key)) do last = math.max(last, tonumber(string.match(kind, '^%d+'))) end
    standing = last + 1
  end
  redis.call('HSET', key, emoji, standing .. ' ' .. user)
  redis.call('SADD', base .. 'rx', seq)
  local _, _, deadline = header(value)
  if deadline ~= '0' then redis.call('PEXPIREAT', key, deadline) end
else
  local left = string.sub(users, 1, from - 1) .. string.sub(users, to, -2)
  if string.find(left, ' ', 1, true) then
    redis.call('HSET', key, emoji, left)
  else
    redis.call('HDEL', key, emoji)
    if redis.call('EXISTS', key) == 0 then redis.call('SREM', base .. 'rx', seq) end
  end
end
redis.call('ZADD', base .. 'chg', now, seq)
local about = { id, user, emoji, action }
publish('a', cjson.encode({ about, seq }), cjson.encode({ about, redis.call('HGETALL', key) }))
return 'done'
`;
