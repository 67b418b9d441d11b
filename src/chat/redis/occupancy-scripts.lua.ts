import { PRELUDE } from './room-prelude.lua';
import { OUTSIDERS } from './script-parts.lua';

const OCCUPANCY = `${PRELUDE}
-- Adds a socket. True where it is the user's first.
local function put(hash, user, entry)
  local standing = redis.call('HGET', hash, user)
  if not standing then
    redis.call('HSET', hash, user, entry)
    return true
  end
  if not string.find(' ' .. standing .. ' ', ' ' .. entry .. ' ', 1, true) then
    redis.call('HSET', hash, user, standing .. ' ' .. entry)
  end
  return false
end

-- Takes away the sockets that are gone. True where these were the user's last.
local function take(hash, user, gone)
  local standing = redis.call('HGET', hash, user)
  if not standing then return false end
  local left = {}
  for entry in string.gmatch(standing, '%S+') do
    if not gone(entry) then left[#left + 1] = entry end
  end
  if #left == 0 then
    redis.call('HDEL', hash, user)
    return true
  end
  redis.call('HSET', hash, user, table.concat(left, ' '))
  return false
end

local function tell(kind, user)
  if kind == 'l' then redis.call('HDEL', base .. 'cl', user) end
  publish(kind, user, cjson.encode({ user, redis.call('HKEYS', base .. 'in') }))
end

-- By how much the users who joined, and the rooms that somebody joined, changed.
local function change(participants)
  local here = redis.call('HLEN', base .. 'in')
  local before = here - participants
  return { participants, (here > 0 and 1 or 0) - (before > 0 and 1 or 0) }
end
`;

const MOVE = `${OCCUPANCY}
if redis.call('EXISTS', room) == 0 then return { 0, 0 } end
local user, entry = ARGV[3], ARGV[4]
local function this(one) return one == entry end
`;

const EXIT = `
if not take(base .. 'in', user, this) then return { 0, 0 } end
tell('l', user)
return change(-1)
`;

/** ARGV of all three: user, `<node>/<socket>`. They give what changed of the totals: participants, occupied rooms; `ENTER` maybe `refused` and why. */
export const ENTER = `${MOVE}${OUTSIDERS}
local type = redis.call('HGET', room, 'type')
if grouped() and redis.call('HEXISTS', base .. 'roll', user) == 0 then
  return { 'refused', outsider(type, user) }
end
take(base .. 'out', user, this)
if not put(base .. 'in', user, entry) then return { 0, 0 } end
tell('j', user)
return change(1)
`;

/**
 * ARGV: user, `<node>/<socket>`, digest of its key, digest of the key it brought or '', the socket that is gone or ''.
 * Gives nil, or what changed of the totals and the `<node>/<socket>` that has the user, '' where it is this one now.
 */
export const CLAIM = `${OCCUPANCY}
if redis.call('EXISTS', room) == 0 then return false end
local user, entry, key, proof, gone = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local holder = redis.call('HGET', base .. 'in', user)
local own = not holder or holder == entry
local proven = proof ~= '' and proof == redis.call('HGET', base .. 'cl', user)
if not own and not proven and string.match(holder, '[^/]*$') ~= gone then return { 0, 0, holder } end
redis.call('HSET', base .. 'in', user, entry)
redis.call('HSET', base .. 'cl', user, key)
if not holder then
  tell('j', user)
  local changed = change(1)
  return { changed[1], changed[2], '' }
end
if not own then
  local note = user .. ' ' .. string.match(holder, '[^/]*$')
  publish('r', note, note)
end
return { 0, 0, '' }
`;

export const LEAVE = `${MOVE}
put(base .. 'out', user, entry)
${EXIT}`;

export const FORGET = `${MOVE}
take(base .. 'out', user, this)
${EXIT}`;

/** ARGV: node. Takes away every socket of it. Gives as the others. */
export const EVICT = `${OCCUPANCY}
if redis.call('EXISTS', room) == 0 then return { 0, 0 } end
local prefix = ARGV[3] .. '/'
local function ofNode(entry) return string.sub(entry, 1, #prefix) == prefix end
for _, user in ipairs(redis.call('HKEYS', base .. 'out')) do take(base .. 'out', user, ofNode) end
local left = 0
for _, user in ipairs(redis.call('HKEYS', base .. 'in')) do
  if take(base .. 'in', user, ofNode) then
    left = left + 1
    tell('l', user)
  end
end
return change(-left)
`;
