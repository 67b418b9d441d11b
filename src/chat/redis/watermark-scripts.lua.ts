import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../engine/message';
import { RECEIPT_PARTS } from './receipt-scripts.lua';
import { PRELUDE } from './room-prelude.lua';
import { OUTSIDERS } from './script-parts.lua';

const DELIVERED = MESSAGE_STATUSES.indexOf('delivered');
const SENT = MESSAGE_STATUSES.indexOf('sent');
const SEEN = MESSAGE_STATUSES.indexOf('seen');
const SYSTEM = MESSAGE_TYPES.indexOf('system');

/**
 * Receipts of rooms that are not direct; stands behind `RECEIPT_PARTS`. Every member has a seq up to which everything is
 * delivered to them, and one up to which they have seen it; a message has the status that all its recipients have.
 *
 * | key | type | |
 * |---|---|---|
 * | `wd`, `ws` | zset | member → seq up to which everything is delivered, is seen; at first that of `js` |
 * | `js` | zset | member → last seq when the present membership began |
 * | `wt` | hash | `d<user>`, `s<user>` → when that watermark last rose |
 */
export const WATERMARKS = `
-- The lowest score, whose it is, and the lowest of the others; infinite where there is nobody.
local function lowest(set)
  local two = redis.call('ZRANGE', set, 0, 1, 'WITHSCORES')
  return { tonumber(two[2]) or math.huge, two[1], tonumber(two[4]) or math.huge }
end

-- The lowest of everybody but one.
local function but(low, user)
  if low[2] == user then return low[3] end
  return low[1]
end

local function levels() return { lowest(base .. 'wd'), lowest(base .. 'ws') } end

-- Raises messages whose recipients have all come to a rank since \`old\` (of \`levels\`). Gives { id, seq, sender, deadline
-- if it moved } of each.
local function catchUp(old, rank)
  local new, joined, raised = lowest(base .. (rank == ${SEEN} and 'ws' or 'wd')), lowest(base .. 'js'), {}
  local function raise(seq, id)
    local value = redis.call('GETRANGE', message(seq), 0, 200)
    if value == '' or not lives(value) or tonumber(string.sub(value, 1, 1)) >= rank then return end
    if string.sub(value, 2, 2) == '${SYSTEM}' or isDeleted(value) or (rank == ${SEEN} and burns(value)) then return end
    local sender = string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28)
    if but(old, sender) >= seq or but(new, sender) < seq or but(joined, sender) >= seq then return end
    local _, _, deadline, seenTtl = header(value)
    local moved
    if rank == ${SEEN} and seenTtl ~= '' then
      moved = earlier(deadline, now + seenTtl * 1000)
      moveDeadline(redis.call('GET', message(seq)), moved, '')
    end
    redis.call('SETRANGE', message(seq), 0, rank)
    redis.call('ZADD', base .. 'chg', now, seq)
    raised[#raised + 1] = { id, seq, sender, moved }
  end
  local function over(from, to)
    -- Up to infinity: nobody is left for whom it rises.
    if to <= from or to == math.huge then return end
    local found = redis.call('ZRANGEBYSCORE', log, '(' .. from, to, 'WITHSCORES')
    for i = 1, #found, 2 do raise(tonumber(found[i + 1]), found[i]) end
  end
  over(old[1], new[1])
  over(math.max(old[3], new[1]), new[3])
  return raised
end

local function enterMarks(user, seq)
  for _, set in ipairs({ 'wd', 'ws', 'js' }) do redis.call('ZADD', base .. set, seq, user) end
end

-- Adds burn messages that all who are left have revealed: they end with the last of their countdowns.
local function endBurns(user, ended)
  for _, seq in ipairs(redis.call('SMEMBERS', base .. 'rvs')) do
    if redis.call('HDEL', base .. 'rv:' .. seq, user) == 1 then
      redis.call('ZREM', due, 'r' .. seq .. ',' .. user)
      redis.call('SREM', base .. 'gone:' .. user, seq)
    end
    local value = redis.call('GET', message(seq))
    if lives(value) then
      local _, _, deadline = header(value)
      local sender = string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28)
      local latest = lastCountdown(sender, seq)
      if latest and (deadline == '0' or latest < tonumber(deadline)) then
        latest = math.max(latest, now)
        -- Before the deadline moves, for that may be at once.
        setStatus(seq, sender, ${SEEN})
        moveDeadline(${SEEN} .. string.sub(value, 2), latest, 'b')
        ended[#ended + 1] = { idIn(value), tonumber(seq), sender, latest }
      end
    end
  end
end

-- Starts lifetimes that waited for recipients of whom none is left since joins were \`old\` (of \`lowest\`): they count from
-- the send. Adds the messages to those of their status, in a list by rank. Nothing where nobody is left: the room goes.
local function startUnread(old, told)
  local new = lowest(base .. 'js')
  local function start(seq, id)
    local value = redis.call('GETRANGE', message(seq), 0, 200)
    if value == '' or not lives(value) or isDeleted(value) then return end
    local rank, _, created, deadline, seenTtl = tonumber(string.sub(value, 1, 1)), header(value)
    if seenTtl == '' or rank == ${SEEN} then return end
    local sender = string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28)
    if but(old, sender) >= seq or but(new, sender) < seq then return end
    local starts = math.max(now, earlier(deadline, created + seenTtl * 1000))
    moveDeadline(redis.call('GET', message(seq)), starts, '')
    redis.call('ZADD', base .. 'chg', now, seq)
    table.insert(told[rank], { id, seq, sender, starts })
  end
  local function over(from, to)
    if to <= from then return end
    local found = redis.call('ZRANGEBYSCORE', log, '(' .. from, to == math.huge and '+inf' or to, 'WITHSCORES')
    for i = 1, #found, 2 do start(tonumber(found[i + 1]), found[i]) end
  end
  if new[1] == math.huge then return end
  over(old[1], new[1])
  over(math.max(old[3], new[1]), new[3])
end

-- The user is no recipient any more. Tells what rises, begins or ends by that.
local function leaveMarks(user)
  local before, joined = levels(), lowest(base .. 'js')
  for _, set in ipairs({ 'wd', 'ws', 'js' }) do redis.call('ZREM', base .. set, user) end
  redis.call('HDEL', base .. 'wt', 'd' .. user, 's' .. user)
  local told = { [${SEEN}] = catchUp(before[2], ${SEEN}) }
  told[${DELIVERED}] = catchUp(before[1], ${DELIVERED})
  told[${SENT}] = {}
  endBurns(user, told[${SEEN}])
  startUnread(joined, told)
  for _, rank in ipairs({ ${SEEN}, ${DELIVERED}, ${SENT} }) do tellRaised(rank, user, '', told[rank]) end
end
`;

const GROUP_RECEIPTS = `${PRELUDE}${OUTSIDERS}${RECEIPT_PARTS}${WATERMARKS}`;

/**
 * ARGV: user, rank of the status, socket or '', and \`id\` with a message's or \`upTo\` with a seq. Gives the epoch and the
 * deadline to index; nil: nothing rose.
 */
export const RAISE_MARK = `${GROUP_RECEIPTS}
local user, rank, socket, upTo = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[7]
if not redis.call('ZSCORE', base .. 'js', user) then return false end
if ARGV[6] == 'id' then upTo = redis.call('ZSCORE', log, ARGV[7]) end
if not upTo then return false end
upTo = math.min(tonumber(upTo), tonumber(redis.call('HGET', room, 'lastSeq')))
local before = levels()
local function lift(set, letter)
  if tonumber(redis.call('ZSCORE', base .. set, user)) >= upTo then return false end
  redis.call('ZADD', base .. set, upTo, user)
  redis.call('HSET', base .. 'wt', letter .. user, now)
  return true
end
local rose = lift('wd', 'd')
if rank == ${SEEN} then rose = lift('ws', 's') end
if not rose then return false end
local seen = rank == ${SEEN} and catchUp(before[2], ${SEEN}) or nil
local delivered = catchUp(before[1], ${DELIVERED})
if seen then tellRaised(${DELIVERED}, user, socket, delivered) end
tellRaised(rank, user, socket, seen or delivered, upTo)
return { redis.call('HGET', room, 'epoch'), unindexed() }
`;

/**
 * ARGV: user, message id. Gives nil where there is no such message, \`foreign\`, or \`receipts\` and of each recipient user,
 * when it was delivered and seen ('' where it was not), flat.
 */
export const RECEIPTS_OF = `${GROUP_RECEIPTS}
local user, seq = ARGV[3], tonumber(redis.call('ZSCORE', log, ARGV[4]) or nil)
local value = seq and redis.call('GETRANGE', message(seq), 0, 200) or ''
if value == '' or not lives(value) or not isMember(user) or isDeleted(value) then return false end
local sender = string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28)
if sender ~= user or string.sub(value, 2, 2) == '${SYSTEM}' then return { 'foreign' } end
local out = { 'receipts' }
if not grouped() then
  local delivered, seen = string.match(redis.call('HGET', base .. 'rt', seq) or '', '^(%d*) ?(%d*)$')
  for _, one in ipairs(recipients(sender, seq)) do
    for _, part in ipairs({ one, delivered, seen }) do out[#out + 1] = part end
  end
  return out
end
local function at(set, letter, one)
  if tonumber(redis.call('ZSCORE', base .. set, one)) < seq then return '' end
  return redis.call('HGET', base .. 'wt', letter .. one) or ''
end
for _, one in ipairs(redis.call('ZRANGE', base .. 'js', '-inf', '(' .. seq, 'BYSCORE')) do
  if one ~= sender then
    local delivered, seen = at('wd', 'd', one), at('ws', 's', one)
    if burns(value) then
      -- Seen by its reveal alone.
      seen = string.match(redis.call('HGET', base .. 'rv:' .. seq, one) or '', '^%d+ (%d+)') or ''
      if seen ~= '' and (delivered == '' or tonumber(seen) < tonumber(delivered)) then delivered = seen end
    end
    for _, part in ipairs({ one, delivered, seen }) do out[#out + 1] = part end
  end
end
return out
`;
