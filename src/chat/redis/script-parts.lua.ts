import { MESSAGE_STATUSES, MESSAGE_TYPES } from '../engine/message';
import { DEDUPE_MS } from '../engine/room-feed';

/** What a stored message takes in Redis besides its value (keys, indexes): measured, see docs/operating.md. */
const MESSAGE_OVERHEAD = 600;
const SYSTEM = MESSAGE_TYPES.indexOf('system');
const SENT = MESSAGE_STATUSES.indexOf('sent');
const DELIVERED = MESSAGE_STATUSES.indexOf('delivered');

// Parts of scripts of a room: they stand behind `PRELUDE`.

/** Of rooms that have members, but direct ones. A list of bans or mutes has entries that begin with their end, '0' for none, and a comma. */
export const OUTSIDERS = `
-- Direct rooms and those without members have no creator.
local function grouped() return redis.call('HEXISTS', room, 'creatorId') == 1 end

local function holds(list, user)
  local till = string.match(redis.call('HGET', list, user) or '', '^(%d+),')
  return till ~= nil and (till == '0' or tonumber(till) > now)
end

-- Of who is not in it, a private room is as unknown as one that never was.
local function outsider(type, user)
  if type ~= 'public' then return 'gone' end
  return holds(base .. 'bans', user) and 'banned' or 'outside'
end
`;

/** Gives a message its seq, stores it with its deadline and publishes it. */
export const STORE = `
-- Of \`it\`: hex, sender, kind, burn, seenTtl, deadline (0: kept), digest or '', json, image or ''; whether it answers another; and
-- whether its status is counted.
local function store(it)
  local seq = redis.call('HINCRBY', room, 'lastSeq', 1)
  local system = it.kind == ${SYSTEM}
  local status = system and ${DELIVERED} or ${SENT}
  local value = status .. it.kind .. it.burn .. it.hex .. seq .. ',' .. now .. ',' .. it.deadline .. ',' .. it.seenTtl
    .. ',' .. it.json
  local bytes = #value + ${MESSAGE_OVERHEAD}
  local entry = seq .. ',' .. bytes .. ',' .. (system and '' or it.sender) .. ',' .. it.digest
  redis.call('ZADD', log, seq, 'msg_' .. now .. '_' .. it.hex)
  if it.deadline == 0 then
    redis.call('SET', message(seq), value)
    redis.call('ZADD', base .. 'kept', seq, entry)
  else
    redis.call('SET', message(seq), value, 'PXAT', it.deadline)
    redis.call('ZADD', due, it.deadline, entry)
  end
  if system then
    redis.call('HINCRBY', room, 'system', 1)
    if it.grouped then redis.call('ZADD', base .. 'sys', seq, seq) end
  elseif it.grouped then
    redis.call('ZADD', base .. 'own', 0, it.sender .. ',' .. padded(seq))
    if it.burn == '1' then redis.call('ZADD', base .. 'bn', seq, seq .. ',' .. it.sender) end
  elseif it.counted then
    redis.call('ZADD', base .. 's:' .. it.sender, seq, seq)
  end
  if it.digest ~= '' then
    redis.call('HSET', base .. 'dd', it.digest, it.hex .. ' ' .. seq .. ' ' .. now .. ' ' .. it.deadline)
  end
  if it.image ~= '' then
    redis.call('HSET', base .. 'img', 's' .. seq, it.image, 'h' .. string.match(it.image, '^%S+'), seq)
  end
  redis.call('HINCRBY', room, 'bytes', bytes)
  redis.call('HSET', room, 'lastActivity', now)
  if it.answers or system then value = full(value) end
  publish('m', seq, value)
  return value, bytes
end
`;

/** Erases messages by their entries in `due` or `kept`, taken off there before; `settle` counts and tells them. */
export const ERASE = `
local gone, freed = { expired = {}, burned = {} }, { count = 0, bytes = 0, system = 0 }
local withImages, withReports

local function forget(seq, digest)
  local first = redis.call('HGET', base .. 'dd', digest)
  if first and string.match(first, '^%x+ (%d+)') == seq then redis.call('HDEL', base .. 'dd', digest) end
end

local function erase(entry, reason)
  local seq, size, sender, digest = string.match(entry, '^b?(%d+),(%d+),([^,]*),(.*)$')
  local id = idOf(seq)
  redis.call('ZREM', log, id)
  redis.call('ZREM', base .. 'chg', seq)
  if withImages == nil then withImages = redis.call('EXISTS', base .. 'img') == 1 end
  if withImages then dropImage(seq) end
  if withReports == nil then withReports = redis.call('EXISTS', base .. 'rps') == 1 end
  if withReports then dropReports(seq) end
  for _, user in ipairs(redis.call('HKEYS', base .. 'rv:' .. seq)) do redis.call('SREM', base .. 'gone:' .. user, seq) end
  redis.call('UNLINK', message(seq), base .. 'rv:' .. seq, base .. 're:' .. seq)
  for _, set in ipairs({ 'rx', 'del', 'rvs' }) do redis.call('SREM', base .. set, seq) end
  redis.call('HDEL', base .. 'rt', seq)
  if sender == '' then
    freed.system = freed.system + 1
    redis.call('ZREM', base .. 'sys', seq)
  else
    redis.call('ZREM', base .. 's:' .. sender, seq)
    redis.call('ZREM', base .. 'v:' .. sender, seq)
    countOut(seq, sender, false)
  end
  if digest ~= '' then
    local rememberUntil = string.match(id, '^msg_(%d+)_') + ${DEDUPE_MS}
    if rememberUntil > now then
      redis.call('ZADD', due, rememberUntil, 'd' .. seq .. ',' .. digest)
    else
      forget(seq, digest)
    end
  end
  freed.bytes = freed.bytes + size
  freed.count = freed.count + 1
  table.insert(gone[reason], id)
end

local function tellGone(reason, user, ids)
  local told = #ids > 0 and cjson.encode({ reason, user, ids })
  if told then publish('x', told, told) end
end

local function settle()
  redis.call('HINCRBY', room, 'bytes', 0 - freed.bytes)
  redis.call('HINCRBY', room, 'system', 0 - freed.system)
  tellGone('expired', '', gone.expired)
  tellGone('burned', '', gone.burned)
end

-- Makes place in a room that keeps its history: one that is due already goes first.
local function dropOldest()
  local list, entry = due, nil
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 100)) do
    if not entry and string.match(one, '^b?%d') then entry = one end
  end
  if not entry then
    local seq = redis.call('ZRANGE', log, 0, 0, 'WITHSCORES')[2]
    list, entry = base .. 'kept', redis.call('ZRANGEBYSCORE', base .. 'kept', seq, seq)[1]
    local value = not entry and redis.call('GET', message(seq))
    if value then
      local _, _, deadline = header(value)
      list = due
      for _, one in ipairs(redis.call('ZRANGEBYSCORE', due, deadline, deadline)) do
        if string.match(one, '^b?(%d+),') == seq then entry = one end
      end
    end
  end
  if not entry then return end
  redis.call('ZREM', list, entry)
  erase(entry, 'expired')
  settle()
end
`;

/** Ends the room, with everything in it. */
export const CLOSING = `
local function closeRoom(reason)
  local standing = redis.call('HMGET', room, 'epoch', 'indexed', 'system', 'bytes')
  publish('c', reason, reason)
  dropAllReports()
  local entries = redis.call('ZRANGE', log, 0, -1, 'WITHSCORES')
  for i = 2, #entries, 2 do redis.call('UNLINK', message(entries[i]), base .. 'rv:' .. entries[i], base .. 're:' .. entries[i]) end
  local joined, ids, marks = redis.call('HLEN', base .. 'in'), members(), {}
  for _, id in ipairs(ids) do redis.call('UNLINK', base .. 's:' .. id, base .. 'v:' .. id, base .. 'gone:' .. id) end
  local function mark(list, hash, pattern)
    local found = redis.call('HGETALL', base .. hash)
    for i = 1, #found, 2 do
      marks[#marks + 1] = list
      marks[#marks + 1] = found[i]
      marks[#marks + 1] = string.match(found[i + 1], pattern)
    end
  end
  mark('rooms', 'roll', '^%d+,%d+,(%x+)')
  mark('bans', 'bans', '^%d+,(%x+)')
  mark('mutes', 'mutes', '^%d+,(%x+)')
  mark('invites', 'invites', '^(%x+)')
  local shown = redis.call('HGETALL', base .. 'img')
  for i = 1, #shown, 2 do
    if string.sub(shown[i], 1, 1) == 's' then images[#images + 1] = shown[i + 1] end
  end
  redis.call('UNLINK', room, log, due, base .. 'img', base .. 'kept', base .. 'chg', base .. 'dd', base .. 'keys', base .. 'in', base .. 'out',
    base .. 'roll', base .. 'order', base .. 'mods', base .. 'admins', base .. 'bans', base .. 'mutes', base .. 'invites', base .. 'cl', base .. 'own',
    base .. 'sys', base .. 'wd', base .. 'ws', base .. 'js', base .. 'wt', base .. 'rx', base .. 'del',
    base .. 'rt', base .. 'rvs', base .. 'bn', base .. 'names', base .. 'nm')
  return { standing[1], standing[2], now, #entries / 2 - standing[3], tonumber(standing[4]), joined, ids, marks, images }
end
`;
