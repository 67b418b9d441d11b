import { Global, Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { PresenceReader } from '../users/presence-reader';
import { MemoryPresenceStore } from './memory-presence.store';
import { PresenceStore } from './presence.store';
import { RedisPresenceStore } from './redis-presence.store';
import { StorePresenceReader } from './store-presence-reader';

/** Below users and realtime, which read who is online; `PresenceModule` above them writes it. */
@Global()
@Module({
  providers: [
    provideStore(PresenceStore, { memory: MemoryPresenceStore, redis: RedisPresenceStore }),
    { provide: PresenceReader, useClass: StorePresenceReader },
  ],
  exports: [PresenceStore, PresenceReader],
})
export class PresenceStoreModule {}
