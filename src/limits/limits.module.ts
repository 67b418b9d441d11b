import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { MemoryRateLimiter } from './memory-rate-limiter';
import { RateLimiter } from './rate-limiter';

@Global()
@Module({
  providers: [provideStore(RateLimiter, { memory: MemoryRateLimiter })],
  exports: [RateLimiter],
})
export class LimitsModule {}
