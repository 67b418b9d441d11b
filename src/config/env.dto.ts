import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { applyDecorators } from '@nestjs/common';
import { IsIntString } from '../common/validation/decorators';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_S = 86_400;
const MIB = 1024 * 1024;
/** Longest `setTimeout`, and so the longest interval in milliseconds that a setting may have. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const Int = (min: number, max: number): PropertyDecorator => applyDecorators(IsOptional(), IsIntString(min, max));
const Text = (): PropertyDecorator => applyDecorators(IsOptional(), IsString(), MaxLength(4096));
const Flag = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsOptional(),
    IsBoolean({ message: '$property must be true or false' }),
  );
/** `90s`, `15m`, `24h`, `7d`, or whole seconds. */
const Span = (): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    Matches(/^[1-9]\d{0,8}[smhd]?$/, { message: '$property must be a duration such as 90s, 15m, 24h or 7d' }),
  );

/** Old pages read a token's payload with `atob`: without these three, base64url and base64 are the same. */
const Claim = (): PropertyDecorator =>
  Matches(/^[ -=@-}]{1,128}$/, { message: '$property must be ASCII without >, ? and ~, at most 128 characters' });

/** A secret that is sent in a header: other characters would never arrive as they were set. */
const HeaderSecret = (): PropertyDecorator =>
  applyDecorators(
    IsOptional(),
    Matches(/^[!-~]{1,256}$/, { message: '$property must be ASCII without spaces, at most 256 characters' }),
  );

/** The shape of the environment. Names, defaults and units: `.env.example`. */
export class EnvDto {
  @IsOptional() @IsIn(['development', 'test', 'production']) NODE_ENV = 'development';
  @Int(0, 65_535) PORT = 3000;
  @Text() HOST?: string;
  @IsOptional() @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'silent']) LOG_LEVEL = 'info';
  @Text() PUBLIC_URL?: string;
  @Text() CORS_ORIGIN?: string;
  @Int(0, 16) TRUST_PROXY = 0;
  @Text() UPLOAD_DIR = 'uploads';

  @Text() JWT_SECRET?: string;
  @Span() JWT_EXPIRES_IN = '24h';
  @Span() GUEST_EXPIRES_IN = '2h';
  @Claim() JWT_ISSUER = 'mayfly';
  @Claim() JWT_AUDIENCE = 'mayfly';
  @Int(4, 15) BCRYPT_ROUNDS = 10;
  @Flag() SEED_DEMO_USERS?: boolean;
  @HeaderSecret() ADMIN_TOKEN?: string;
  @HeaderSecret() METRICS_TOKEN?: string;

  @Text() REDIS_URL?: string;
  @Matches(/^[A-Za-z0-9_.-]{1,32}$/, { message: '$property must be 1 to 32 letters, digits, _ . or -' })
  REDIS_PREFIX = 'mayfly';

  @Int(1, 100_000) RATE_LIMIT_PER_SECOND?: number;
  @Int(1, 1_000_000) RATE_LIMIT_BURST?: number;
  @Int(1, 100_000) AUTH_RATE_LIMIT_PER_MINUTE?: number;
  @Int(1, 100_000) MEDIA_RATE_LIMIT_PER_SECOND = 100;
  @Int(1, 100_000) UPLOADS_PER_MINUTE = 10;
  @Int(1, 10_000_000) SOCKET_EVENTS_PER_MINUTE = 100;
  @Int(1, 1_000_000) SOCKET_EVENTS_BURST = 20;
  @Int(1, 10_000_000) SOCKET_OTHER_EVENTS_PER_MINUTE = 600;

  @Int(1, 100_000) GHOST_JOINS_PER_MINUTE = 30;
  @Int(1, 100_000) TOKEN_GUESSES_PER_MINUTE = 30;

  @Int(1, 20_000) MAX_MESSAGE_LENGTH = 5000;
  @Int(1000, 30 * DAY_S * 1000) MESSAGE_TTL_MS = HOUR_MS;
  @Int(1, 30 * DAY_S) MESSAGE_TTL_MIN_S = 1;
  @Int(1, 30 * DAY_S) MESSAGE_TTL_MAX_S = 30 * DAY_S;
  @Int(1, 30 * DAY_S) MESSAGE_MAX_LIFETIME_S = 30 * DAY_S;
  @Int(100, DAY_S * 1000) BURN_DELAY_MS = 30_000;
  @Int(1, 10_000_000) MAX_ACCOUNTS = 100_000;
  @Int(1, 30 * DAY_S) GHOST_TTL_MAX_S = 7 * DAY_S;
  @Int(1, 10_000_000) MAX_GHOST_ROOMS = 10_000;
  @Int(1, 100_000) MAX_ROOMS_PER_USER = 500;
  @Int(2, 100_000) MAX_MEMBERS_PER_ROOM = 1000;
  @Flag() ALLOW_HISTORY = true;
  @Int(1, 1_000_000) MAX_MESSAGES_PER_ROOM = 10_000;
  @Int(MIB, 1024 * 1024 * MIB) MESSAGES_MAX_BYTES = 512 * MIB;

  @Int(1024, 100 * MIB) MAX_IMAGE_SIZE = 2 * MIB;
  @Int(16, 4096) IMAGE_MAX_WIDTH = 1280;
  @Int(16, 4096) IMAGE_MAX_HEIGHT = 1280;
  @Int(1, 100) IMAGE_QUALITY = 80;
  @Int(1000, 30 * DAY_S * 1000) IMAGE_TTL_MS = HOUR_MS;
  @Int(MIB, 1024 * 1024 * MIB) UPLOADS_MAX_BYTES = 5 * 1024 * MIB;
  @Int(MIB, 1024 * 1024 * MIB) UPLOADS_MAX_BYTES_PER_USER = 100 * MIB;

  @Int(1, 10_000) MAX_SOCKETS_PER_USER = 20;
  @Int(1, 1_000_000) MAX_SOCKETS_PER_IP = 200;
  @IsOptional() @IsIn(['everyone', 'contacts', 'auto']) PRESENCE_SCOPE: 'everyone' | 'contacts' | 'auto' = 'auto';
  @Int(0, MAX_TIMER_MS) PRESENCE_GRACE_MS = 2000;
  @Int(0, MAX_TIMER_MS) ROOM_EMPTY_GRACE_MS = 30_000;
  @Int(100, MAX_TIMER_MS) TYPING_TIMEOUT_MS = 3000;

  @Int(1024, 100 * MIB) JSON_BODY_LIMIT = 100 * 1024;
  @Int(1024, 100 * MIB) SOCKET_MAX_PAYLOAD = 24 * MIB;
  @Int(64 * 1024, 1024 * MIB) SOCKET_MAX_BUFFERED = 4 * MIB;
  @Int(100, MAX_TIMER_MS) SOCKET_CONNECT_TIMEOUT_MS = 5000;
  @Int(100, MAX_TIMER_MS) SOCKET_PING_INTERVAL_MS = 10_000;
  @Int(100, MAX_TIMER_MS) SOCKET_PING_TIMEOUT_MS = 5000;
}
