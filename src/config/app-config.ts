import { randomBytes } from 'node:crypto';
import { type EnvDto } from './env.dto';
import { ConfigError, parseEnvironment, readEnvironment, seconds, settingsWithoutEffect } from './env';

/** HS256 wants a key as long as its hash. */
const MIN_SECRET_LENGTH = 32;

/** What placeholders of example files have in common, in lower case, without separators. */
const PLACEHOLDER_WORDS = [
  ...['changeme', 'changethis', 'changeit', 'replaceme', 'replacewith', 'donotuse', 'generateone', 'inproduction'],
  ...['yoursecret', 'yourjwtsecret', 'yoursupersecret', 'yourkey', 'mysecret', 'supersecret', 'defaultsecret'],
  ...['secretkey', 'jwtsecret', 'examplesecret', 'randomsecret', 'randomstring', 'placeholder', 'insecure', 'devonly'],
  ...['minimum32', 'atleast32', 'atleast256', '256bit', '01234567', '12345678', 'abcdefgh', 'qwerty'],
];
/** Every placeholder that an example file ever printed, or one thing over and over again; as above. */
const WELL_KNOWN_SECRET = new RegExp(`${PLACEHOLDER_WORDS.join('|')}|^$|^(.{1,16}?)\\1+$`);

const DEVELOPMENT_ORIGINS = ['localhost', '127.0.0.1'].flatMap((host) =>
  [3000, 5173].map((port) => `http://${host}:${port}`),
);

/**
 * The settings, typed, frozen, with defaults filled in: the only reader of the environment. Durations keep the unit of
 * their name. Settings that need no thought are read as `config.env.NAME`.
 */
export class AppConfig {
  readonly production: boolean;
  readonly jwtSecret: string;
  /** True where no secret was set and one was made: tokens end with the process. */
  readonly jwtSecretIsRandom: boolean;
  readonly jwtExpiresInS: number;
  readonly guestExpiresInS: number;
  /** Exact origins; `*` is answered with the asking origin, outside production only. */
  readonly corsOrigins: ReadonlySet<string>;
  /** Origin and path prefix of absolute links, without a slash at the end; undefined: links are relative to PORT. */
  readonly publicUrl: string | undefined;
  readonly seedDemoUsers: boolean;
  readonly rateLimitPerSecond: number;
  readonly rateLimitBurst: number;
  readonly authRateLimitPerMinute: number;
  /** Names of settings that are set and do nothing here. */
  readonly withoutEffect: readonly string[];

  private constructor(
    readonly env: Readonly<EnvDto>,
    withoutEffect: string[],
  ) {
    this.production = env.NODE_ENV === 'production';
    this.jwtSecretIsRandom = env.JWT_SECRET === undefined && !this.production;
    this.jwtSecret = jwtSecret(env.JWT_SECRET, this.production);
    this.jwtExpiresInS = seconds(env.JWT_EXPIRES_IN);
    this.guestExpiresInS = seconds(env.GUEST_EXPIRES_IN);
    this.publicUrl = publicUrl(env.PUBLIC_URL);
    assertRedisUrl(env.REDIS_URL);
    this.corsOrigins = corsOrigins(env.CORS_ORIGIN, this.publicUrl, this.production);
    this.seedDemoUsers = env.SEED_DEMO_USERS ?? !this.production;
    if (this.seedDemoUsers && this.production) {
      throw new ConfigError('SEED_DEMO_USERS must not be true in production: their password is public');
    }
    this.rateLimitPerSecond = env.RATE_LIMIT_PER_SECOND ?? (this.production ? 5 : 50);
    this.rateLimitBurst = env.RATE_LIMIT_BURST ?? this.rateLimitPerSecond * 4;
    this.authRateLimitPerMinute = env.AUTH_RATE_LIMIT_PER_MINUTE ?? (this.production ? 3 : 30);
    if (env.MESSAGE_TTL_MIN_S > env.MESSAGE_TTL_MAX_S) {
      throw new ConfigError('MESSAGE_TTL_MIN_S must not be greater than MESSAGE_TTL_MAX_S');
    }
    if (env.MESSAGE_TTL_MS > env.MESSAGE_MAX_LIFETIME_S * 1000) {
      throw new ConfigError('MESSAGE_TTL_MS must not be greater than MESSAGE_MAX_LIFETIME_S');
    }
    this.withoutEffect = withoutEffect;
    Object.freeze(this);
  }

  /** From the process's environment and `.env`, with `overrides` on top. @throws ConfigError */
  static load(overrides: Record<string, string | undefined> = {}): AppConfig {
    return this.from({ ...readEnvironment(), ...overrides });
  }

  /** From these values alone. @throws ConfigError */
  static from(raw: Record<string, string | undefined>): AppConfig {
    return new AppConfig(Object.freeze(parseEnvironment(raw)), settingsWithoutEffect(raw));
  }

  /** Whether a browser page of this origin may use the API. No origin: not a browser. */
  allowsOrigin(origin: string | undefined): boolean {
    return origin === undefined || this.corsOrigins.has(origin) || this.corsOrigins.has('*');
  }
}

function jwtSecret(secret: string | undefined, production: boolean): string {
  if (secret === undefined) {
    if (production) {
      throw new ConfigError('JWT_SECRET must be set in production: at least 32 random characters');
    }
    return randomBytes(MIN_SECRET_LENGTH).toString('base64url');
  }
  if (production && secret.length < MIN_SECRET_LENGTH) {
    throw new ConfigError('JWT_SECRET must have at least 32 characters in production');
  }
  if (production && WELL_KNOWN_SECRET.test(secret.toLowerCase().replaceAll(/[^a-z0-9]/g, ''))) {
    throw new ConfigError('JWT_SECRET is a well-known placeholder: make one of at least 32 random characters');
  }
  return secret;
}

function assertRedisUrl(url: string | undefined): void {
  if (url !== undefined && (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol))) {
    throw new ConfigError(
      'REDIS_URL must be an address such as redis://user:password@host:6379/0, or rediss:// for TLS',
    );
  }
}

function publicUrl(url: string | undefined): string | undefined {
  if (url === undefined) {
    return undefined;
  }
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new ConfigError('PUBLIC_URL must be an absolute http or https address');
  }
  return url.replace(/\/+$/, '');
}

function corsOrigins(list: string | undefined, own: string | undefined, production: boolean): Set<string> {
  const origins = new Set<string>(list === undefined && !production ? DEVELOPMENT_ORIGINS : []);
  for (const entry of (list ?? '').split(',').map((part) => part.trim())) {
    if (entry === '') {
      continue;
    }
    if (entry === '*') {
      if (production) {
        throw new ConfigError('CORS_ORIGIN must list exact origins in production, not *');
      }
      origins.add('*');
      continue;
    }
    if (!URL.canParse(entry) || new URL(entry).origin === 'null') {
      throw new ConfigError(`CORS_ORIGIN must list origins such as https://chat.example.com, not "${entry}"`);
    }
    origins.add(new URL(entry).origin);
  }
  if (own !== undefined) {
    origins.add(new URL(own).origin);
  }
  return origins;
}
