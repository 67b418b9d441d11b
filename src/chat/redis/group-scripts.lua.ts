import { NEEDED_ROLE, ROOM_ROLES } from '../engine/membership';
import { CHANGES } from './group-parts.lua';

const ADMIN = ROOM_ROLES.indexOf('admin');
const NEEDED = Object.entries(NEEDED_ROLE).map(([kind, role]) => `${kind} = ${ROOM_ROLES.indexOf(role)}`);

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
