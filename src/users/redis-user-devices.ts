import type { Redis, Script } from '../storage/redis';
import type { Device, Location } from './user-store';

/**
 * Devices of a user: a hash in the slot of the record. A field `d:<id>` a device, `<last seen> <JSON>`; `l:<id>` is its
 * location as JSON, where it has one.
 */
const DEVICE = 'd:';
const LOCATION = 'l:';

/** KEYS: record, devices. ARGV: id, when seen, JSON, location as JSON or '', most. Gives the location; nil: no such user. */
const SAVE = `
if redis.call('HGET', KEYS[1], 'state') ~= 'live' then return nil end
local id = ARGV[1]
redis.call('HSET', KEYS[2], '${DEVICE}' .. id, ARGV[2] .. ' ' .. ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], '${LOCATION}' .. id, ARGV[4]) end
local all, seen = redis.call('HGETALL', KEYS[2]), {}
for i = 1, #all, 2 do
  local device = string.match(all[i], '^${DEVICE}(.*)$')
  if device and device ~= id then seen[#seen + 1] = { tonumber(string.match(all[i + 1], '^%d+')), device } end
end
table.sort(seen, function(a, b) return a[1] < b[1] end)
for i = 1, #seen + 1 - tonumber(ARGV[5]) do
  redis.call('HDEL', KEYS[2], '${DEVICE}' .. seen[i][2], '${LOCATION}' .. seen[i][2])
end
return redis.call('HGET', KEYS[2], '${LOCATION}' .. id) or ''
`;

type Keys = [record: string, devices: string];
type Details = Pick<Device, 'ip' | 'userAgent'>;

/** One round trip a call. */
export class RedisUserDevices {
  private readonly saveScript: Script;

  constructor(
    private readonly redis: Redis,
    private readonly keysOf: (userId: string) => Keys,
  ) {
    this.saveScript = redis.script(SAVE);
  }

  async save(userId: string, device: Device, most: number): Promise<Device | undefined> {
    const { deviceId, lastSeen, location, ip, userAgent } = device;
    const details = JSON.stringify({ ip, userAgent } satisfies Details);
    const args = [deviceId, lastSeen, details, location ? JSON.stringify(location) : '', most];
    const kept = (await this.saveScript(this.keysOf(userId), args)) as string | null;
    return kept === null ? undefined : deviceOf(deviceId, `${lastSeen} ${details}`, kept);
  }

  async list(userId: string): Promise<Device[]> {
    const [, key] = this.keysOf(userId);
    const fields = await this.redis.run((client) => client.hgetall(key));
    return Object.entries(fields)
      .flatMap(([field, value]) => {
        const id = field.slice(DEVICE.length);
        return field.startsWith(DEVICE) ? deviceOf(id, value, fields[LOCATION + id] ?? '') : [];
      })
      .sort((a, b) => b.lastSeen - a.lastSeen);
  }
}

function deviceOf(deviceId: string, value: string, location: string): Device {
  const space = value.indexOf(' ');
  const details = JSON.parse(value.slice(space + 1)) as Details;
  return Object.freeze({
    deviceId,
    ...details,
    ...(location !== '' && { location: Object.freeze(JSON.parse(location) as Location) }),
    lastSeen: Number(value.slice(0, space)),
  });
}
