import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ThrottlerModuleOptions, ThrottlerOptions, ThrottlerStorage } from '@nestjs/throttler';
import type { AppConfig } from '../../config/app-config';
import type { RateLimiter } from '../../limits/rate-limiter';
import type { Refusals } from '../../limits/refusals';

const MINUTE_MS = 60_000;

/** Registering and logging in share this bucket; the route counts against the one of all routes as well. */
export const AuthRateLimit = Reflector.createDecorator<void, true>({ transform: () => true });

/** Images and files, of which one page loads many at once: a bucket of their own in place of the one of all routes. */
export const MediaRateLimit = Reflector.createDecorator<void, true>({ transform: () => true });

/** Tokens of the media bucket, as a multiple of its refill a second. */
const MEDIA_BURST_S = 2;

/** The throttlers of the REST API: each is one bucket an address, whatever the route. */
export function throttlerOptions(config: AppConfig, limiter: RateLimiter, refusals: Refusals): ThrottlerModuleOptions {
  const { rateLimitBurst, rateLimitPerSecond, authRateLimitPerMinute } = config;
  const media = config.env.MEDIA_RATE_LIMIT_PER_SECOND;
  return {
    throttlers: [
      {
        skipIf: (context) => isMarked(context, MediaRateLimit),
        name: 'default',
        limit: rateLimitBurst,
        ttl: (rateLimitBurst / rateLimitPerSecond) * 1000,
      },
      { ...onlyWhere(AuthRateLimit), name: 'auth', limit: authRateLimitPerMinute, ttl: MINUTE_MS },
      { ...onlyWhere(MediaRateLimit), name: 'media', limit: media * MEDIA_BURST_S, ttl: MEDIA_BURST_S * 1000 },
    ],
    // The library would count each route on its own.
    generateKey: (_context, address) => address,
    storage: bucketStorage(limiter, refusals),
  };
}

type Marker = typeof AuthRateLimit;

const reflector = new Reflector();

function isMarked(context: ExecutionContext, marker: Marker): boolean {
  return reflector.getAllAndOverride(marker, [context.getHandler(), context.getClass()]) === true;
}

function onlyWhere(marker: Marker): Pick<ThrottlerOptions, 'skipIf'> {
  return { skipIf: (context) => !isMarked(context, marker) };
}

/** The library's counters over our buckets: `limit` tokens, which refill in `ttl` ms. Times it gives are seconds. */
function bucketStorage(limiter: RateLimiter, refusals: Refusals): ThrottlerStorage {
  return {
    async increment(key, ttl, limit, _blockDuration, throttler) {
      const bucket = { name: `rest-${throttler}`, perMinute: (limit * MINUTE_MS) / ttl, burst: limit };
      const { allowed, remaining, retryAfterMs, resetMs } = await limiter.take(bucket, key);
      if (!allowed) {
        refusals.count(bucket.name);
      }
      return {
        totalHits: limit - remaining,
        timeToExpire: Math.ceil(resetMs / 1000),
        isBlocked: !allowed,
        timeToBlockExpire: Math.ceil(retryAfterMs / 1000),
      };
    },
  };
}
