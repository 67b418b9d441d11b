import { Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { MemoryNodeBus } from './memory-node-bus';
import { NodeBus } from './node-bus';
import { provideForRedis, provideStore } from './provide-store';
import { Redis } from './redis';
import { RedisChannels } from './redis-channels';
import { RedisClock } from './redis-clock';
import { RedisNodeBus } from './redis-node-bus';

/** What the drivers stand on. The clock is here because all nodes and scripts must go by one: Redis', where it is. */
@Global()
@Module({
  providers: [
    {
      provide: Redis,
      inject: [AppConfig],
      useFactory: (config: AppConfig) => (config.env.REDIS_URL === undefined ? undefined : new Redis(config)),
    },
    provideForRedis(RedisChannels),
    provideStore(Clock, { memory: SystemClock, redis: RedisClock }),
    provideStore(NodeBus, { memory: MemoryNodeBus, redis: RedisNodeBus }),
  ],
  exports: [Clock, NodeBus, Redis, RedisChannels],
})
export class StorageModule {}
