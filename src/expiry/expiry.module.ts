import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { ExpiryQueue } from './expiry-queue';
import { ExpiryService } from './expiry.service';
import { LocalExpiryQueue, MemoryExpiryQueue } from './memory-expiry-queue';
import { RedisExpiryQueue } from './redis-expiry-queue';

@Global()
@Module({
  providers: [
    provideStore(ExpiryQueue, { memory: MemoryExpiryQueue, redis: RedisExpiryQueue }),
    LocalExpiryQueue,
    ExpiryService,
  ],
  exports: [ExpiryQueue, LocalExpiryQueue, ExpiryService],
})
export class ExpiryModule {}
