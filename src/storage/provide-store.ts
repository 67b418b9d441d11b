import type { Provider, Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { AppConfig } from '../config/app-config';

type Port<T> = abstract new (...args: never[]) => T;

interface Drivers<T> {
  memory: Type<T>;
  redis: Type<T>;
}

/** Binds a port, which is its own token, to the driver that the settings choose: `REDIS_URL` set or not. */
export function provideStore<T>(port: Port<T>, drivers: Drivers<T>): Provider {
  return {
    provide: port,
    inject: [ModuleRef, AppConfig],
    useFactory: (module: ModuleRef, config: AppConfig): Promise<T> =>
      module.create(config.env.REDIS_URL === undefined ? drivers.memory : drivers.redis),
  };
}

/** What drivers on Redis share with each other; undefined where there is none. */
export function provideForRedis<T>(type: Type<T>): Provider {
  return {
    provide: type,
    inject: [ModuleRef, AppConfig],
    useFactory: (module: ModuleRef, config: AppConfig): Promise<T> | undefined =>
      config.env.REDIS_URL === undefined ? undefined : module.create(type),
  };
}
