import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { MemoryRateLimiter } from './memory-rate-limiter';
import { RateLimiter } from './rate-limiter';
import { RedisRateLimiter } from './redis-rate-limiter';
import { Refusals } from './refusals';

@Global()
@Module({
  providers: [provideStore(RateLimiter, { memory: MemoryRateLimiter, redis: RedisRateLimiter }), Refusals],
  exports: [RateLimiter, Refusals],
})
export class LimitsModule {}
