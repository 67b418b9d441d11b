import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { AppError } from '../common/app-error';
import { Binder } from '../common/validation/dto-binder';
import { EnvDto } from './env.dto';

type Environment = Record<string, string | undefined>;

/** Names of older backends → Mayfly's. Mayfly's own wins; both set and different stops the start. */
const ALIASES: Record<string, keyof EnvDto> = {
  UPLOAD_PATH: 'UPLOAD_DIR',
  MAX_CONNECTIONS_PER_IP: 'MAX_SOCKETS_PER_IP',
  SOCKET_PING_INTERVAL: 'SOCKET_PING_INTERVAL_MS',
  SOCKET_PING_TIMEOUT: 'SOCKET_PING_TIMEOUT_MS',
};

/** Read into `CORS_ORIGIN` as well: the union of all three. */
const ORIGIN_ALIASES = ['FRONTEND_URL', 'CLIENT_URL'];
const REDIS_ALIASES = ['REDIS_HOST', 'REDIS_PORT', 'REDIS_USERNAME', 'REDIS_PASSWORD'] as const;
const REDIS_PORT = '6379';

/** Settings of other backends, and of what is not built yet, that do nothing here: each gets one log line. */
const WITHOUT_EFFECT = [
  'AWS_S3_BUCKET',
  'COOKIE_SECRET',
  'DATABASE_URL',
  'DB_HOST',
  'ENCRYPTION_KEY',
  'JWT_REFRESH_EXPIRES_IN',
  'JWT_REFRESH_SECRET',
  'MONGODB_URI',
  'MONGO_URI',
  'RATE_LIMIT_MAX',
  'RATE_LIMIT_MAX_REQUESTS',
  'RATE_LIMIT_WINDOW_MS',
  'REDIS_DB',
  'REDIS_TLS',
  'S3_BUCKET',
  'SESSION_SECRET',
  'SESSION_TIMEOUT',
  'SOCKET_CORS_ORIGIN',
  'STUN_SERVER',
  'STUN_URLS',
  'TURN_SERVER',
  'TURN_URLS',
];

/** A setting that stops the start. The message is the one line that names it. */
export class ConfigError extends Error {}

/** The process's environment over the `.env` file of the working directory, if there is one. */
export function readEnvironment(file = '.env'): Environment {
  const fromFile = existsSync(file) ? parse(readFileSync(file)) : {};
  return { ...fromFile, ...process.env };
}

/** The validated environment. Empty means unset. @throws ConfigError */
export function parseEnvironment(raw: Environment): EnvDto {
  const set = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined && value !== ''));
  const source: Record<string, unknown> = { ...set };
  for (const [alias, name] of Object.entries(ALIASES)) {
    if (set[alias] === undefined) {
      continue;
    }
    if (set[name] !== undefined && set[name] !== set[alias]) {
      throw new ConfigError(`${alias} and ${name} are both set and differ: remove ${alias}`);
    }
    source[name] = set[alias];
  }
  const origins = ['CORS_ORIGIN', ...ORIGIN_ALIASES].flatMap((name) => set[name] ?? []);
  if (origins.length > 0) {
    source.CORS_ORIGIN = origins.join(',');
  }
  const redisUrl = redisUrlFromParts(set);
  if (redisUrl !== undefined) {
    source.REDIS_URL = redisUrl;
  }
  try {
    const defaults = new EnvDto();
    const env = Binder.of(EnvDto).bind({ ...defaultsAsStrings(defaults), ...source });
    return env;
  } catch (error) {
    if (error instanceof AppError) {
      const alias = Object.keys(ALIASES).find((name) => set[name] && ALIASES[name] === error.details?.[0]?.field);
      throw new ConfigError(alias === undefined ? error.message : `${error.message} (it is set as ${alias})`);
    }
    throw error;
  }
}

/** Names that are set but do nothing here. */
export function settingsWithoutEffect(raw: Environment): string[] {
  return WITHOUT_EFFECT.filter((name) => raw[name] !== undefined && raw[name] !== '');
}

/** Seconds of `90s`, `15m`, `24h`, `7d` or `90`. */
export function seconds(span: string): number {
  const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[span.at(-1) ?? ''];
  return unit ? Number(span.slice(0, -1)) * unit : Number(span);
}

function defaultsAsStrings(defaults: EnvDto): Record<string, string> {
  const values = Object.entries(defaults).filter(([, value]) => value !== undefined);
  return Object.fromEntries(values.map(([name, value]) => [name, String(value)]));
}

/** The address that the aliases make; undefined where none is set, or `REDIS_URL` is. @throws ConfigError */
function redisUrlFromParts(set: Environment): string | undefined {
  if (set.REDIS_URL !== undefined) {
    assertSameRedis(set, set.REDIS_URL);
    return undefined;
  }
  const named = REDIS_ALIASES.find((name) => set[name] !== undefined);
  if (named === undefined) {
    return undefined;
  }
  if (set.REDIS_HOST === undefined) {
    // Kept in memory where Redis was meant, everything would be lost at the next restart.
    throw new ConfigError(`${named} is set without REDIS_HOST: set REDIS_HOST or REDIS_URL, or remove ${named}`);
  }
  const address = `redis://${set.REDIS_HOST}:${set.REDIS_PORT ?? REDIS_PORT}`;
  if (!URL.canParse(address)) {
    throw new ConfigError('REDIS_HOST and REDIS_PORT must be a host and a port');
  }
  const url = new URL(address);
  url.username = set.REDIS_USERNAME ?? '';
  url.password = set.REDIS_PASSWORD ?? '';
  return url.href;
}

/** @throws ConfigError where a part of the address is set as well and is another one */
function assertSameRedis(set: Environment, address: string): void {
  if (!URL.canParse(address)) {
    // Refused by itself, in words that name it.
    return;
  }
  const { hostname, port, username, password } = new URL(address);
  const parts = [hostname, port || REDIS_PORT, username, password].map(decodeURIComponent);
  const other = REDIS_ALIASES.find((name, i) => set[name] !== undefined && set[name] !== parts[i]);
  if (other !== undefined) {
    throw new ConfigError(`${other} and REDIS_URL are both set and differ: remove ${other}`);
  }
}
