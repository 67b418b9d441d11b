import { Logger } from '@nestjs/common';
import { Clock } from '../../src/common/clock';
import { AppConfig } from '../../src/config/app-config';
import { Redis } from '../../src/storage/redis';
import { RedisClock } from '../../src/storage/redis-clock';
import { type RedisServer, uniquePrefix } from './redis-server';

/** What a Redis driver is made of, over keys of its own. */
export interface RedisKit {
  readonly config: AppConfig;
  readonly redis: Redis;
  readonly clock: WaitingClock;
  close(): void;
}

/** The time of a real Redis: it passes by itself. */
export class WaitingClock extends Clock {
  constructor(private readonly clock: Clock) {
    super();
  }

  override now(): number {
    return this.clock.now();
  }

  /** Waits until this many milliseconds have passed by Redis' clock. */
  async advance(ms: number): Promise<void> {
    const end = this.now() + ms;
    while (this.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, end - this.now()));
    }
  }
}

/** Connects to the server, as one node; several with one prefix are the nodes of one service. */
export async function redisKit(server: RedisServer, prefix = uniquePrefix()): Promise<RedisKit> {
  Logger.overrideLogger(false);
  const config = AppConfig.from({ REDIS_URL: server.url, REDIS_PREFIX: prefix });
  const redis = new Redis(config);
  const clock = new RedisClock(redis);
  await clock.onModuleInit();
  return { config, redis, clock: new WaitingClock(clock), close: () => redis.onApplicationShutdown() };
}
