import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { ExpiryQueue } from './expiry-queue';
import { ExpiryService } from './expiry.service';
import { LocalExpiryQueue, MemoryExpiryQueue } from './memory-expiry-queue';

@Global()
@Module({
  providers: [provideStore(ExpiryQueue, { memory: MemoryExpiryQueue }), LocalExpiryQueue, ExpiryService],
  exports: [ExpiryQueue, LocalExpiryQueue, ExpiryService],
})
export class ExpiryModule {}
