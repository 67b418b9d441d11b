import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ThrottlerModuleOptions, ThrottlerOptions, ThrottlerStorage } from '@nestjs/throttler';
import type { AppConfig } from '../../config/app-config';
import type { RateLimiter } from '../../limits/rate-limiter';

const MINUTE_MS = 60_000;

/** Registering and logging in share this bucket; the route counts against the one of all routes as well. */
export const AuthRateLimit = Reflector.createDecorator<void, true>({ transform: () => true });

/** The throttlers of the REST API: each is one bucket an address, whatever the route. */
export function throttlerOptions(config: AppConfig, limiter: RateLimiter): ThrottlerModuleOptions {
  const { rateLimitBurst, rateLimitPerSecond, authRateLimitPerMinute } = config;
  return {
    throttlers: [
      { name: 'default', limit: rateLimitBurst, ttl: (rateLimitBurst / rateLimitPerSecond) * 1000 },
      { ...onlyWhere(AuthRateLimit), name: 'auth', limit: authRateLimitPerMinute, ttl: MINUTE_MS },
    ],
    // The library would count each route on its own.
    generateKey: (_context, address) => address,
    storage: bucketStorage(limiter),
  };
}

function onlyWhere(marker: typeof AuthRateLimit): Pick<ThrottlerOptions, 'skipIf'> {
  const reflector = new Reflector();
  return {
    skipIf: (context: ExecutionContext) =>
      reflector.getAllAndOverride(marker, [context.getHandler(), context.getClass()]) !== true,
  };
}

/** The library's counters over our buckets: `limit` tokens, which refill in `ttl` ms. Times it gives are seconds. */
function bucketStorage(limiter: RateLimiter): ThrottlerStorage {
  return {
    async increment(key, ttl, limit, _blockDuration, throttler) {
      const bucket = { name: `rest-${throttler}`, perMinute: (limit * MINUTE_MS) / ttl, burst: limit };
      const { allowed, remaining, retryAfterMs, resetMs } = await limiter.take(bucket, key);
      return {
        totalHits: limit - remaining,
        timeToExpire: Math.ceil(resetMs / 1000),
        isBlocked: !allowed,
        timeToBlockExpire: Math.ceil(retryAfterMs / 1000),
      };
    },
  };
}
