import { MESSAGE_STATUSES } from '../engine/message';
import { PRELUDE } from './room-prelude.lua';

const DELIVERED = MESSAGE_STATUSES.indexOf('delivered');
const SEEN = MESSAGE_STATUSES.indexOf('seen');

/** What scripts share in which a member makes something of messages; stands behind `PRELUDE`. */
export const RECEIPT_PARTS = `
local function isMember(user)
  for _, one in ipairs(members()) do
    if one == user then return true end
  end
  return redis.call('HEXISTS', base .. 'roll', user) == 1
end

-- Those to whom a message is sent: members since before it, but its sender.
local function recipients(sender, seq)
  local found, ids = members(), {}
  if #found == 0 then found = redis.call('ZRANGE', base .. 'js', '-inf', '(' .. seq, 'BYSCORE') end
  for _, one in ipairs(found) do
    if one ~= sender then ids[#ids + 1] = one end
  end
  return ids
end

-- Notes that a message of somebody now has this status.
local function setStatus(seq, sender, rank)
  redis.call('SETRANGE', message(seq), 0, rank)
  redis.call('ZREM', base .. 's:' .. sender, seq)
  redis.call('ZREM', base .. 'v:' .. sender, seq)
  if rank == ${DELIVERED} then redis.call('ZADD', base .. 'v:' .. sender, seq, seq) end
  redis.call('ZADD', base .. 'chg', now, seq)
  local delivered = string.match(redis.call('HGET', base .. 'rt', seq) or now, '^%d+')
  redis.call('HSET', base .. 'rt', seq, rank == ${SEEN} and delivered .. ' ' .. now or delivered)
end

-- When the last countdown of a burn message ends; nil unless all its recipients, if any, have revealed it.
local function lastCountdown(sender, seq)
  local reveals, latest = base .. 'rv:' .. seq, nil
  if redis.call('HLEN', reveals) < redis.call('ZCOUNT', base .. 'js', '-inf', '(' .. seq) - 1 then return nil end
  for _, one in ipairs(recipients(sender, seq)) do
    local reveal = redis.call('HGET', reveals, one)
    if not reveal then return nil end
    latest = math.max(latest or 0, tonumber(string.match(reveal, '^%d+')))
  end
  return latest
end

-- What ends a message at its deadline: the entry of \`due\`; nil where it is kept.
local function dueEntry(seq, deadline)
  if deadline == '0' then return nil end
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', due, deadline, deadline)) do
    if string.match(one, '^b?(%d+),') == seq then return one end
  end
end

-- Brings a message's deadline closer; prefix 'b' where it is the end of a countdown. Gives the value.
local function moveDeadline(value, deadline, prefix)
  local seq, created, old, seenTtl = header(value)
  local hex = string.sub(value, 4, 27)
  local list, entry = due, dueEntry(seq, old)
  if old == '0' then
    list = base .. 'kept'
    entry = redis.call('ZRANGEBYSCORE', list, seq, seq)[1]
  end
  if entry then
    local digest = string.match(entry, '([^,]*)$')
    redis.call('ZREM', list, entry)
    redis.call('ZADD', due, deadline, prefix .. string.match(entry, '%d.*$'))
    if digest ~= '' then redis.call('HSET', base .. 'dd', digest, hex .. ' ' .. seq .. ' ' .. created .. ' ' .. deadline) end
  end
  local _, json = string.match(value, '^%d+,%d+,%d+,(%d*),(.*)$', 28)
  local burn = prefix == 'b' and '2' or string.sub(value, 3, 3)
  value = string.sub(value, 1, 2) .. burn .. hex .. seq .. ',' .. created .. ',' .. deadline .. ',,' .. json
  redis.call('SET', message(seq), value, 'PXAT', deadline)
  redis.call('PEXPIREAT', base .. 're:' .. seq, deadline)
  redis.call('PEXPIREAT', base .. 'rp:' .. seq, deadline)
  return value
end

local function earlier(deadline, other) return deadline == '0' and other or math.min(deadline, other) end

local function idIn(value)
  local _, created = header(value)
  return 'msg_' .. created .. '_' .. string.sub(value, 4, 27)
end

-- Tells that messages { id, seq, sender, deadline if it moved } of others rose, or that deadlines moved; \`upTo\`: what the user raised, if by seq.
local function tellRaised(rank, user, socket, raised, upTo)
  if #raised == 0 and not upTo then return end
  table.sort(raised, function(a, b) return a[2] < b[2] end)
  local note, bySender = {}, {}
  for _, one in ipairs(raised) do
    local last = bySender[one[3]]
    if last and last[3] == one[2] - 1 and last[4] == (one[4] and 1) then
      last[3] = one[2]
    else
      bySender[one[3]] = { one[3], one[2], one[2], one[4] and 1 }
      note[#note + 1] = bySender[one[3]]
    end
  end
  local common = { rank, user, socket, now, upTo }
  publish('s', cjson.encode({ common, note }), cjson.encode({ common, raised }))
end
`;

export const RECEIPTS = `${PRELUDE}${RECEIPT_PARTS}`;

/**
 * ARGV: user, rank of the status, socket or '', and `id` with a message's or `upTo` with a seq. Gives how many still
 * wait, the epoch and the deadline to index; nil: nothing rose.
 */
export const RAISE = `${RECEIPTS}
local user, asked, socket = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local epoch = redis.call('HGET', room, 'epoch')
if not epoch or not isMember(user) then return false end
local from, to = 1, ARGV[7]
if ARGV[6] == 'id' then
  from = redis.call('ZSCORE', log, ARGV[7])
  to = from
end
if not from then return false end
-- A burn message becomes seen by being revealed.
local raised, onlyDelivered = {}, {}
local function raise(sender, seq, standing)
  local value = redis.call('GETRANGE', message(seq), 0, 100)
  if value == '' or not lives(value) or goneFor(value, user) then return end
  local rank = burns(value) and math.min(asked, ${DELIVERED}) or asked
  if rank <= standing then return end
  local _, _, deadline, seenTtl = header(value)
  local moved
  if rank == ${SEEN} and seenTtl ~= '' then
    moved = earlier(deadline, now + seenTtl * 1000)
    moveDeadline(redis.call('GET', message(seq)), moved, '')
  end
  setStatus(seq, sender, rank)
  table.insert(rank < asked and onlyDelivered or raised, { idIn(value), tonumber(seq), sender, moved })
end
for _, sender in ipairs(members()) do
  if sender ~= user then
    for standing, set in ipairs(asked == ${DELIVERED} and { 's:' } or { 's:', 'v:' }) do
      for _, seq in ipairs(redis.call('ZRANGEBYSCORE', base .. set .. sender, from, to)) do raise(sender, seq, standing - 1) end
    end
  end
end
if #raised + #onlyDelivered == 0 then return false end
tellRaised(${DELIVERED}, user, socket, onlyDelivered)
tellRaised(asked, user, socket, raised)
return { waiting(), epoch, unindexed() }
`;

/**
 * ARGV: user, message id, what makes a repeat known or '', socket or '', delay (ms). Gives nil where there is no such
 * message for the user, `ordinary`, `own`, `again`, or `revealed` with the value, when it is gone for the user, the
 * epoch and the deadline to index.
 */
export const REVEAL = `${RECEIPTS}
local user, revealId, socket = ARGV[3], ARGV[5], ARGV[6]
local seq = redis.call('ZSCORE', log, ARGV[4])
local value = seq and redis.call('GET', message(seq))
if not lives(value) or not isMember(user) then return false end
if not burns(value) then return { 'ordinary' } end
local _, _, deadline = header(value)
local sender = cjson.decode(string.match(value, '^%d+,%d+,%d+,%d*,(.*)$', 28))[1]
if sender == user then return { 'own' } end
if goneFor(value, user) then return false end
local epoch, reveals = redis.call('HGET', room, 'epoch'), base .. 'rv:' .. seq
local before = redis.call('HGET', reveals, user)
if before then
  local ends, with = string.match(before, '^(%d+) %d+ (.*)$')
  if tonumber(ends) <= now then return false end
  if revealId == '' or with ~= revealId then return { 'again' } end
  return { 'revealed', full(value), ends, epoch, false }
end
local ends = earlier(deadline, now + ARGV[7])
redis.call('HSET', reveals, user, ends .. ' ' .. now .. ' ' .. revealId)
redis.call('SADD', base .. 'rvs', seq)
if deadline ~= '0' then redis.call('PEXPIREAT', reveals, deadline) end
local latest = lastCountdown(sender, seq)
if latest then
  value = moveDeadline(value, latest, 'b')
  setStatus(seq, sender, ${SEEN})
  value = ${SEEN} .. string.sub(value, 2)
  tellRaised(${SEEN}, user, socket, { { ARGV[4], tonumber(seq), sender, latest } })
else
  redis.call('ZADD', due, ends, 'r' .. seq .. ',' .. user)
end
return { 'revealed', full(value), tostring(ends), epoch, unindexed() }
`;

/**
 * ARGV: message id, delay (ms). Gives the deadline, the epoch, the deadline to index, and 1 where the countdown starts;
 * nil: no such burn message.
 */
export const BURN = `${RECEIPTS}
local seq = redis.call('ZSCORE', log, ARGV[3])
local value = seq and redis.call('GET', message(seq))
if not lives(value) or not burns(value) then return false end
local _, _, deadline = header(value)
local first = string.sub(value, 3, 3) == '1'
if first then
  deadline = earlier(deadline, now + ARGV[4])
  moveDeadline(value, deadline, 'b')
end
return { tostring(deadline), redis.call('HGET', room, 'epoch'), unindexed(), first and 1 or 0 }
`;

/** ARGV: message id. Gives the epoch and the deadline to index; nil: no such message. */
export const END = `${RECEIPTS}
local seq = redis.call('ZSCORE', log, ARGV[3])
local value = seq and redis.call('GET', message(seq))
if not lives(value) then return false end
moveDeadline(value, now, string.sub(value, 3, 3) == '2' and 'b' or '')
return { redis.call('HGET', room, 'epoch'), unindexed() }
`;
