import { MESSAGE_TYPES } from '../engine/message';
import { PRELUDE } from './room-prelude.lua';
import { OUTSIDERS } from './script-parts.lua';

const SYSTEM = MESSAGE_TYPES.indexOf('system');

/** Counts what members have not seen; stands behind `PRELUDE`. */
const UNREAD_PARTS = `
-- Seq and sender of messages that count, are due and not swept: gone for every reader.
local function overdue()
  local found = {}
  for _, entry in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now)) do
    local seq, sender = string.match(entry, '^b?(%d+),%d+,([^,]+),')
    if seq then found[seq] = sender end
  end
  return found
end

-- Live messages of others that a member of a room that is not direct has not seen, a burn message until they have
-- revealed it; nil of who is no member.
local function unreadOf(user, gone)
  local seen = redis.call('ZSCORE', base .. 'ws', user)
  if not seen then return nil end
  local unread = redis.call('ZCOUNT', log, '(' .. seen, '+inf') - redis.call('ZCOUNT', base .. 'sys', '(' .. seen, '+inf')
    - redis.call('ZLEXCOUNT', base .. 'own', '(' .. user .. ',' .. padded(seen), '(' .. user .. '-')
  for seq, sender in pairs(gone) do
    if sender ~= user and tonumber(seq) > tonumber(seen) then unread = unread - 1 end
  end
  local joined = redis.call('ZSCORE', base .. 'js', user)
  for _, one in ipairs(redis.call('ZRANGE', base .. 'bn', '(' .. joined, '+inf', 'BYSCORE')) do
    local seq, sender = string.match(one, '^(%d+),(.*)$')
    if sender ~= user and not gone[seq] then
      if tonumber(seq) <= tonumber(seen) then unread = unread + 1 end
      if redis.call('HEXISTS', base .. 'rv:' .. seq, user) == 1 then unread = unread - 1 end
    end
  end
  return unread
end
`;

/** ARGV: users. Gives the last seq, and of each user what they have not seen; nil where the room does not stand. */
export const UNREAD = `${PRELUDE}${UNREAD_PARTS}
local lastSeq = redis.call('HGET', room, 'lastSeq')
if not lastSeq then return false end
local out, gone = { lastSeq }, overdue()
for i = 3, #ARGV do out[#out + 1] = unreadOf(ARGV[i], gone) or false end
return out
`;

/** ARGV: user. Gives the view, who joined, live messages, what the user has not seen, and the last message. */
export const SUMMARY = `${PRELUDE}${OUTSIDERS}${UNREAD_PARTS}
local type, user = redis.call('HGET', room, 'type'), ARGV[3]
if not type or (grouped() and redis.call('HEXISTS', base .. 'roll', user) == 0) then return false end
local messages, unread = redis.call('ZCARD', log) - redis.call('HGET', room, 'system'), 0
for _, id in ipairs(members()) do
  if id ~= user then unread = unread + redis.call('ZCARD', base .. 's:' .. id) + redis.call('ZCARD', base .. 'v:' .. id) end
end
local gone = overdue()
for seq, sender in pairs(gone) do
  messages = messages - 1
  local open = redis.call('ZSCORE', base .. 's:' .. sender, seq) or redis.call('ZSCORE', base .. 'v:' .. sender, seq)
  if sender ~= user and open then unread = unread - 1 end
end
unread = unreadOf(user, gone) or unread
local last, top = false, '+inf'
while not last do
  local found = redis.call('ZRANGE', log, top, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 10, 'WITHSCORES')
  if #found == 0 then break end
  for i = 2, #found, 2 do
    local value = redis.call('GET', message(found[i]))
    local counts = lives(value) and string.sub(value, 2, 2) ~= '${SYSTEM}' and not isDeleted(value)
    if not last and counts and not goneFor(value, user) then last = value end
  end
  top = '(' .. found[#found]
end
return { view(), redis.call('HKEYS', base .. 'in'), messages, unread, last and full(last) }
`;
