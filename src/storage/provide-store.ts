import type { Provider, Type } from '@nestjs/common';

type Port<T> = abstract new (...args: never[]) => T;

interface Drivers<T> {
  memory: Type<T>;
}

/** Binds a port, which is its own token, to the driver that the settings choose. */
export function provideStore<T>(port: Port<T>, drivers: Drivers<T>): Provider {
  return { provide: port, useClass: drivers.memory };
}
