import { MAX_LISTED, NEEDED_ROLE, ROOM_ROLES } from '../engine/membership';
import { MESSAGE_TYPES } from '../engine/message';
import { RECEIPT_PARTS } from './receipt-scripts.lua';
import { PRELUDE } from './room-scripts.lua';
import { CLOSING, ERASE, OUTSIDERS, STORE } from './script-parts.lua';
import { WATERMARKS } from './watermark-scripts.lua';

const SYSTEM = MESSAGE_TYPES.indexOf('system');
const MODERATOR = ROOM_ROLES.indexOf('moderator');
const ADMIN = ROOM_ROLES.indexOf('admin');
const NEEDED = Object.entries(NEEDED_ROLE).map(([kind, role]) => `${kind} = ${ROOM_ROLES.indexOf(role)}`);

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
const GROUPS = `${PRELUDE}${OUTSIDERS}
local roll, order, mods, admins = base .. 'roll', base .. 'order', base .. 'mods', base .. 'admins'
local bans, mutes, invites = base .. 'bans', base .. 'mutes', base .. 'invites'

local function member(user)
  local entry = redis.call('HGET', roll, user)
  if not entry then return nil end
  local role, joinedAt, joinedSeq, token, name = string.match(entry, '^(%d)(%d+),(%d+),(%x+),(.*)$')
  return { role = tonumber(role), joinedAt = joinedAt, joinedSeq = joinedSeq, token = token, name = name }
end
`;

const CHANGES = `${GROUPS}${STORE}${ERASE}${CLOSING}${RECEIPT_PARTS}${WATERMARKS}
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

/**
 * ARGV: epoch, type, settings, ttl, createdAt, creator, their name, token, room's name, description, slow mode (s), most
 * messages, longest lifetime (ms), 24 hex digits and JSON of the note. Gives the view, the deadline to index, the note's
 * bytes.
 */
export const CREATE = `${CHANGES}
redis.call('HSET', room, 'id', roomId, 'epoch', ARGV[3], 'type', ARGV[4], 'members', '[]', 'settings', ARGV[5],
  'ttl', ARGV[6], 'createdAt', ARGV[7], 'lastActivity', ARGV[7], 'lastSeq', 0, 'system', 0, 'bytes', 0,
  'position', now, 'creatorId', ARGV[8], 'name', ARGV[11], 'description', ARGV[12], 'slow', ARGV[13],
  'memberCount', 0, 'joins', 0)
enroll(ARGV[8], ARGV[9], ARGV[10], ${ADMIN})
publish('o', '0 ' .. ARGV[8], cjson.encode({ '0', ARGV[8], view() }))
post(ARGV[16], ARGV[17], ARGV[14], ARGV[15], { ARGV[8], ARGV[9] })
return { view(), unindexed(), bytes }
`;

/**
 * ARGV: kind, actor, target, their name, token, value (role, end or most members), JSON of the list's entry or of the
 * settings named, most messages, longest lifetime (ms), the actor's name, 24 hex digits and JSON of the heir's note with
 * \\3 for the id, then the same of each other note, then of \`configure\` name, description, ttl and slow mode, each after
 * 1 or 0 for named.
 *
 * Gives \`refused\`, why, and the token that stands where the new one was noted; or \`same\` or \`done\`, that token, what is
 * no more, the view, the deadline to index, the epoch, the bytes of notes, participants and occupied rooms changed,
 * and of messages that made place how many they were and their images; or
 * \`closed\`, '', what is no more, the last view, and as \`CLOSE\` does.
 */
export const CHANGE = `${CHANGES}
local kind, actor, target, name, token, value = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local json, most, longest = ARGV[9], ARGV[10], ARGV[11]
local notes = { unpack(ARGV, 15, 14 + 2 * tonumber(ARGV[#ARGV])) }
local needed = { ${NEEDED.join(', ')} }
local standing = redis.call('HMGET', room, 'epoch', 'type', 'memberCount')
local type = standing[2]

local lists = { ban = bans, mute = mutes, invite = invites }
local function dated(object) return string.sub(object, 1, -2) .. ',"at":' .. now .. '}' end

-- The token that stands on the list that this change puts one on.
local function standingToken()
  if kind == 'join' then
    local one = member(actor)
    return one and one.token or ''
  end
  local entry = lists[kind] and redis.call('HGET', lists[kind], target) or ''
  return string.match(entry, '^(%x+),[^0-9a-f]') or string.match(entry, '^%d+,(%x+)') or ''
end
local function refuse(why) return { 'refused', why, standing[1] and standingToken() or '' } end

if not grouped() then return refuse('gone') end
local mine, theirs = member(actor), target ~= '' and member(target) or nil
if kind ~= 'join' and kind ~= 'forget' and not (kind == 'uninvite' and target == actor) then
  if not mine then return refuse(outsider(type, actor)) end
  if mine.role < needed[kind] then return refuse('rank') end
  if target ~= '' and kind ~= 'invite' and kind ~= 'uninvite' and kind ~= 'unban' then
    if target == actor and kind ~= 'role' then return refuse('self') end
    if not theirs and kind ~= 'ban' and kind ~= 'unmute' then return refuse('absent') end
    if theirs and theirs.role == ${ADMIN} and mine.role ~= ${ADMIN} then return refuse('admin') end
    if kind == 'role' and tonumber(value) ~= ${ADMIN} and theirs.role == ${ADMIN} and redis.call('ZCARD', admins) == 1 then
      return refuse('last')
    end
  end
end

-- True where something is another way than before.
local changes = {
  join = function()
    if mine then return false end
    if holds(bans, actor) then return nil, outsider(type, actor) end
    if type ~= 'public' and redis.call('HEXISTS', invites, actor) == 0 then return nil, 'uninvited' end
    local settings = cjson.decode(redis.call('HGET', room, 'settings'))
    if tonumber(standing[3]) >= math.min(settings.maxMembers, tonumber(value)) then return nil, 'full' end
    unlist(invites, 'invites', actor)
    enroll(actor, name, token, 0)
    return true
  end,
  leave = function() return true end,
  forget = function()
    unlist(bans, 'bans', actor)
    unlist(mutes, 'mutes', actor)
    unlist(invites, 'invites', actor)
    dropReportsOf(actor)
    dropReasonsOf(actor)
    forgetName(actor)
    return mine ~= nil
  end,
  close = function() return true end,
  invite = function()
    if theirs then return nil, 'present' end
    if holds(bans, target) then return nil, 'barred' end
    if redis.call('HEXISTS', invites, target) == 1 then return false end
    if not place(invites, 'invites', target) then return nil, 'listed' end
    redis.call('HSET', invites, target, token .. ',' .. dated(json))
    return true
  end,
  uninvite = function()
    local before = redis.call('HEXISTS', invites, target) == 1
    unlist(invites, 'invites', target)
    return before
  end,
  kick = function()
    strike(target)
    return true
  end,
  ban = function()
    local before = holds(bans, target)
    if not place(bans, 'bans', target) then return nil, 'listed' end
    redis.call('HSET', bans, target, value .. ',' .. token .. ',' .. dated(json))
    unlist(invites, 'invites', target)
    strike(target)
    return not before
  end,
  unban = function()
    local before = holds(bans, target)
    unlist(bans, 'bans', target)
    return before
  end,
  mute = function()
    local before = holds(mutes, target)
    if not place(mutes, 'mutes', target) then return nil, 'listed' end
    redis.call('HSET', mutes, target, value .. ',' .. token)
    return not before
  end,
  unmute = function()
    local before = holds(mutes, target)
    unlist(mutes, 'mutes', target)
    return before
  end,
  role = function()
    if theirs.role == tonumber(value) then return false end
    setRole(target, tonumber(value))
    return true
  end,
  configure = function()
    local settings = cjson.decode(redis.call('HGET', room, 'settings'))
    for setting, to in pairs(cjson.decode(json)) do settings[setting] = to end
    redis.call('HSET', room, 'settings', cjson.encode(settings), 'lastActivity', now)
    if not settings.moderationEnabled then dropAllReports() end
    local before = redis.call('HGET', room, 'ttl')
    local first = #ARGV - 8
    for i, field in ipairs({ 'name', 'description', 'ttl', 'slow' }) do
      local at = first + 2 * (i - 1)
      if ARGV[at] == '1' then redis.call('HSET', room, field, ARGV[at + 1]) end
    end
    local ttl = redis.call('HGET', room, 'ttl')
    if before == '' and ttl ~= '' then
      local deadline = now + math.min(ttl * 1000, tonumber(longest))
      redis.call('ZADD', due, now, 'e' .. redis.call('HGET', room, 'lastSeq') .. ',' .. deadline)
    end
    return true
  end,
}

local changed, why = changes[kind]()
if changed == nil then return refuse(why) end

local heir
if mine and (kind == 'leave' or kind == 'forget') then
  if mine.role == ${ADMIN} and redis.call('ZCARD', admins) == 1 then
    heir = redis.call('ZRANGE', mods, 0, 0)[1]
    if not heir then
      for _, user in ipairs(redis.call('ZRANGE', order, 0, 1)) do
        if not heir and user ~= actor then heir = user end
      end
    end
  end
  strike(actor)
end

if changed and (kind == 'close' or redis.call('HLEN', roll) == 0) then
  local last = view()
  return { 'closed', '', removed, last, closeRoom('deleted') }
end
if changed then
  if kind == 'configure' then
    publish('u', '', cjson.encode(view()))
  elseif kind ~= 'invite' and kind ~= 'uninvite' then
    tellMember(target ~= '' and target or actor)
  end
  if struck then expel(struck) end
  local named = { actor, ARGV[12] }
  if target ~= '' then named = { actor, ARGV[12], target, name } end
  for i = 1, #notes, 2 do post(notes[i], notes[i + 1], most, longest, named) end
  if heir then
    setRole(heir, ${ADMIN})
    local note = string.gsub(ARGV[14], '\\\\u0003', function() return heir end)
    post(ARGV[13], note, most, longest, { heir, member(heir).name })
  end
end
local here = redis.call('HLEN', base .. 'in')
local occupied = (here > 0 and 1 or 0) - (here - participants > 0 and 1 or 0)
return { changed and 'done' or 'same', standingToken(), removed, view(), unindexed(), standing[1],
  bytes - freed.bytes, participants, occupied, freed.count - freed.system, images }
`;

/** ARGV: user. Gives type, entry in the roll or nil, 1 where banned, muted, invited. */
export const STANDING = `${GROUPS}
local type = redis.call('HGET', room, 'type')
if not grouped() then return false end
local user = ARGV[3]
return { type, redis.call('HGET', roll, user), holds(bans, user) and 1 or 0, holds(mutes, user) and 1 or 0,
  redis.call('HEXISTS', invites, user) }
`;

/** ARGV: number of the join after which, how many. Gives user, number and entry of each, flat. */
export const MEMBERS = `${GROUPS}
local out = {}
local found = redis.call('ZRANGE', order, '(' .. ARGV[3], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[4], 'WITHSCORES')
for i = 1, #found, 2 do
  out[#out + 1] = found[i]
  out[#out + 1] = found[i + 1]
  out[#out + 1] = redis.call('HGET', roll, found[i])
end
return out
`;

/** Gives user and entry of each ban that holds, flat. */
export const BANS = `${GROUPS}
local out = {}
local found = redis.call('HGETALL', bans)
for i = 1, #found, 2 do
  if holds(bans, found[i]) then
    out[#out + 1] = found[i]
    out[#out + 1] = found[i + 1]
  end
end
return out
`;

/** ARGV: user. Gives the entry of their invite. */
export const INVITE = `${GROUPS}
return redis.call('HGET', invites, ARGV[3])
`;
