import { GROUPS } from './group-parts.lua';

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
