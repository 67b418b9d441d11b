import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../engine/message';
import { RECEIPT_PARTS } from './receipt-scripts.lua';
import { PRELUDE } from './room-scripts.lua';
import { OUTSIDERS } from './script-parts.lua';

const DELIVERED = MESSAGE_STATUSES.indexOf('delivered');
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

-- The user is no recipient any more. Tells what rises by that.
local function leaveMarks(user)
  local before = levels()
  for _, set in ipairs({ 'wd', 'ws', 'js' }) do redis.call('ZREM', base .. set, user) end
  redis.call('HDEL', base .. 'wt', 'd' .. user, 's' .. user)
  tellRaised(${SEEN}, user, '', catchUp(before[2], ${SEEN}))
  tellRaised(${DELIVERED}, user, '', catchUp(before[1], ${DELIVERED}))
  -- Burn messages that some have revealed, and nobody else has to any more.
  for _, seq in ipairs(redis.call('SMEMBERS', base .. 'open')) do
    local value = redis.call('GET', message(seq))
    if lives(value) and burns(value) then
      local sender = string.match(value, '^%d+,%d+,%d+,%d*,%["([^"]*)"', 28)
      if isRevealed(sender, seq) then startBurning(value, sender, seq, user, '') end
    end
  end
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
local function at(set, letter, one)
  if tonumber(redis.call('ZSCORE', base .. set, one)) < seq then return '' end
  return redis.call('HGET', base .. 'wt', letter .. one) or ''
end
for _, one in ipairs(redis.call('ZRANGE', base .. 'js', '-inf', '(' .. seq, 'BYSCORE')) do
  if one ~= sender then
    out[#out + 1] = one
    out[#out + 1] = at('wd', 'd', one)
    out[#out + 1] = at('ws', 's', one)
  end
end
return out
`;
