import { MAX_LISTED, ROOM_ROLES } from '../engine/membership';
import { MESSAGE_TYPES } from '../engine/message';
import { RECEIPT_PARTS } from './receipt-scripts.lua';
import { PRELUDE } from './room-prelude.lua';
import { CLOSING, ERASE, OUTSIDERS, STORE } from './script-parts.lua';
import { WATERMARKS } from './watermark-scripts.lua';

const SYSTEM = MESSAGE_TYPES.indexOf('system');
const MODERATOR = ROOM_ROLES.indexOf('moderator');
const ADMIN = ROOM_ROLES.indexOf('admin');

/**
 * What rooms that are not direct have besides (see `PRELUDE`):
 *
 * | key | type | |
 * |---|---|---|
 * | `room` | hash | also name, description, creatorId, memberCount, joins (ever), slow (seconds) |
 * | `roll` | hash | user → `<role><joinedAt>,<joinedSeq>,<token>,<name>` |
 * | `order`, `mods`, `admins` | zset | members, those of a role → number of their join |
 * | `bans` | hash | user → `<until>,<token>,<JSON>`; until '0': for good |
 * | `mutes` | hash | user → `<until>,<token>` |
 * | `invites` | hash | user → `<token>,<JSON>` |
 * | `slow:<user>` | string | when a member last sent in slow mode, with PX at the end of the pause |
 *
 * A token also stands on a list in the user's slot (`UserMarks`), which is corrected by it.
 */
export const GROUPS = `${PRELUDE}${OUTSIDERS}
local roll, order, mods, admins = base .. 'roll', base .. 'order', base .. 'mods', base .. 'admins'
local bans, mutes, invites = base .. 'bans', base .. 'mutes', base .. 'invites'

local function member(user)
  local entry = redis.call('HGET', roll, user)
  if not entry then return nil end
  local role, joinedAt, joinedSeq, token, name = string.match(entry, '^(%d)(%d+),(%d+),(%x+),(.*)$')
  return { role = tonumber(role), joinedAt = joinedAt, joinedSeq = joinedSeq, token = token, name = name }
end
`;

/** What scripts begin with that change such a room. */
export const CHANGES = `${GROUPS}${STORE}${ERASE}${CLOSING}${RECEIPT_PARTS}${WATERMARKS}
-- What is no more: list, user and token, flat.
local removed = {}
local bytes, participants = 0, 0
-- Whose membership ended.
local struck

local function drop(list, user, token)
  if token then
    removed[#removed + 1] = list
    removed[#removed + 1] = user
    removed[#removed + 1] = token
  end
end

local function setRole(user, role)
  local one = member(user)
  redis.call('HSET', roll, user, role .. one.joinedAt .. ',' .. one.joinedSeq .. ',' .. one.token .. ',' .. one.name)
  local number = redis.call('ZSCORE', order, user)
  redis.call('ZREM', mods, user)
  redis.call('ZREM', admins, user)
  if role == ${MODERATOR} then redis.call('ZADD', mods, number, user) end
  if role == ${ADMIN} then redis.call('ZADD', admins, number, user) end
end

local function enroll(user, name, token, role)
  local number = redis.call('HINCRBY', room, 'joins', 1)
  redis.call('HINCRBY', room, 'memberCount', 1)
  redis.call('ZADD', order, number, user)
  redis.call('HSET', roll, user, '0' .. now .. ',' .. redis.call('HGET', room, 'lastSeq') .. ',' .. token .. ',' .. name)
  enterMarks(user, redis.call('HGET', room, 'lastSeq'))
  if role > 0 then setRole(user, role) end
end

local function strike(user)
  local one = member(user)
  if not one then return end
  drop('rooms', user, one.token)
  redis.call('HDEL', roll, user)
  redis.call('ZREM', order, user)
  redis.call('ZREM', mods, user)
  redis.call('ZREM', admins, user)
  redis.call('HINCRBY', room, 'memberCount', -1)
  redis.call('HDEL', base .. 'keys', user)
  leaveMarks(user)
  struck = user
end

-- None of the user's sockets is in the room any more.
local function expel(user)
  redis.call('HDEL', base .. 'out', user)
  if redis.call('HDEL', base .. 'in', user) == 1 then
    participants = -1
    publish('l', user, cjson.encode({ user, redis.call('HKEYS', base .. 'in') }))
  end
end

local function unlist(list, name, user)
  local entry = redis.call('HGET', list, user)
  if not entry then return end
  local token = name == 'invites' and string.match(entry, '^(%x+),') or string.match(entry, '^%d+,(%x+)')
  redis.call('HDEL', list, user)
  drop(name, user, token)
end

-- Makes place on a list that is full by dropping what no longer holds. False where all of it does.
local function place(list, name, user)
  if redis.call('HEXISTS', list, user) == 1 or redis.call('HLEN', list) < ${MAX_LISTED} then return true end
  if name == 'invites' then return false end
  for _, listed in ipairs(redis.call('HKEYS', list)) do
    if not holds(list, listed) then unlist(list, name, listed) end
  end
  return redis.call('HLEN', list) < ${MAX_LISTED}
end

-- What a user reported is taken back.
local function dropReportsOf(user)
  for _, one in ipairs(redis.call('ZRANGE', base .. 'rps', 0, -1)) do
    local seq, by = string.match(one, '^(%d+),(.*)$')
    if by == user then
      redis.call('ZREM', base .. 'rps', one)
      redis.call('HDEL', base .. 'rp:' .. seq, user)
    end
  end
end

local function tellMember(user)
  publish('p', user, cjson.encode({ user, redis.call('HEXISTS', roll, user), view() }))
end

-- What a user wrote of those whom they banned is taken back.
local function dropReasonsOf(user)
  local found = redis.call('HGETALL', bans)
  for i = 1, #found, 2 do
    local head, about = string.match(found[i + 1], '^(%d+,%x+,)(.*)$')
    about = cjson.decode(about)
    if about.by == user and about.reason then
      about.reason = nil
      redis.call('HSET', bans, found[i], head .. cjson.encode(about))
    end
  end
end

-- Posts a system message; where there is no place for one, none. Of who is named in it: user and name, flat.
local function post(hex, json, most, longest, named)
  local ttl = redis.call('HGET', room, 'ttl')
  if redis.call('ZCARD', log) >= tonumber(most) then
    if ttl ~= '' then return end
    dropOldest()
  end
  local deadline = ttl == '' and 0 or now + math.min(ttl * 1000, tonumber(longest))
  for i = 1, #named, 2 do remember(named[i], named[i + 1], deadline) end
  local _, size = store({ hex = hex, sender = '', kind = ${SYSTEM}, burn = 0, seenTtl = '', deadline = deadline,
    digest = '', json = json, image = '', counted = false, grouped = true })
  bytes = bytes + size
end
`;
