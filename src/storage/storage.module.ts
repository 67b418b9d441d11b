import { Global, Module } from '@nestjs/common';
import { AppConfig } from '../config/app-config';
import { MemoryNodeBus } from './memory-node-bus';
import { NodeBus } from './node-bus';
import { provideStore } from './provide-store';
import { Redis } from './redis';

@Global()
@Module({
  providers: [
    {
      provide: Redis,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => (config.env.REDIS_URL === undefined ? undefined : new Redis(config)),
    },
    provideStore(NodeBus, { memory: MemoryNodeBus }),
  ],
  exports: [NodeBus, Redis],
})
export class StorageModule {}
