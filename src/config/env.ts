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
const REDIS_ALIASES = ['REDIS_HOST', 'REDIS_PORT', 'REDIS_USERNAME', 'REDIS_PASSWORD'];

/** Settings of other backends that do nothing here: each gets one log line. */
const WITHOUT_EFFECT = [
  'COOKIE_SECRET',
  'DATABASE_URL',
  'MONGODB_URI',
  'MONGO_URI',
  'SESSION_SECRET',
  'SOCKET_CORS_ORIGIN',
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
    if (set.REDIS_URL !== undefined && set.REDIS_URL !== redisUrl) {
      throw new ConfigError('REDIS_HOST and REDIS_URL are both set and differ: remove REDIS_HOST');
    }
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

function redisUrlFromParts(set: Environment): string | undefined {
  if (REDIS_ALIASES.every((name) => set[name] === undefined) || set.REDIS_HOST === undefined) {
    return undefined;
  }
  const address = `redis://${set.REDIS_HOST}:${set.REDIS_PORT ?? '6379'}`;
  if (!URL.canParse(address)) {
    throw new ConfigError('REDIS_HOST and REDIS_PORT must be a host and a port');
  }
  const url = new URL(address);
  url.username = set.REDIS_USERNAME ?? '';
  url.password = set.REDIS_PASSWORD ?? '';
  return url.href;
}
