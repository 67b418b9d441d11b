import { MESSAGE_TYPES } from '../engine/message';
import { MAX_REPORTS_PER_MEMBER, MAX_REPORTS_PER_ROOM } from '../engine/report';
import { RECEIPTS } from './receipt-scripts.lua';
import { PRELUDE } from './room-prelude.lua';
import { OUTSIDERS } from './script-parts.lua';

const SYSTEM = MESSAGE_TYPES.indexOf('system');

/**
 * ARGV: user, message id, id of the report, JSON of the reason. Gives nil where there is no such message for the user,
 * `off`, `own`, `fixed`, `full`, `spent`, or `reported` with what stands (`<id>,<createdAt>,<JSON>`) and who is to be told.
 */
export const REPORT = `${RECEIPTS}${OUTSIDERS}
local user, id = ARGV[3], ARGV[4]
local seq = redis.call('ZSCORE', log, id)
local value = seq and redis.call('GET', message(seq))
if not lives(value) or not isMember(user) or goneFor(value, user) or isDeleted(value) then return false end
if not grouped() or not cjson.decode(redis.call('HGET', room, 'settings')).moderationEnabled then return { 'off' } end
if string.sub(value, 2, 2) == '${SYSTEM}' then return { 'fixed' } end
local _, _, deadline = header(value)
if string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28) == user then return { 'own' } end
local key = base .. 'rp:' .. seq
local before = redis.call('HGET', key, user)
if before then return { 'reported', before, {} } end
local reported = redis.call('ZRANGE', base .. 'rps', 0, -1)
if #reported >= ${MAX_REPORTS_PER_ROOM} then return { 'full' } end
local mine = 0
for _, one in ipairs(reported) do
  if string.match(one, ',(.*)$') == user then mine = mine + 1 end
end
if mine >= ${MAX_REPORTS_PER_MEMBER} then return { 'spent' } end
local entry = ARGV[5] .. ',' .. now .. ',' .. ARGV[6]
redis.call('HSET', key, user, entry)
if deadline ~= '0' then redis.call('PEXPIREAT', key, deadline) end
redis.call('ZADD', base .. 'rps', seq, seq .. ',' .. user)
local moderators = redis.call('ZRANGE', base .. 'mods', 0, -1)
for _, admin in ipairs(redis.call('ZRANGE', base .. 'admins', 0, -1)) do moderators[#moderators + 1] = admin end
return { 'reported', entry, moderators }
`;

/** Gives message id, user and report (as `REPORT` does) of those of live messages, flat. */
export const REPORTS_OF = `${PRELUDE}
local out, last, value = {}, nil, nil
for _, one in ipairs(redis.call('ZRANGE', base .. 'rps', 0, -1)) do
  local seq, user = string.match(one, '^(%d+),(.*)$')
  if seq ~= last then value = redis.call('GETRANGE', message(seq), 0, 100) end
  last = seq
  local report = value ~= '' and lives(value) and redis.call('HGET', base .. 'rp:' .. seq, user)
  if report then
    out[#out + 1] = idOf(seq)
    out[#out + 1] = user
    out[#out + 1] = report
  end
end
return out
`;
