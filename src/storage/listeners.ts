import type { Logger } from '@nestjs/common';

type Listener = (message: object) => void;

/** Listeners of channels, in the order in which they came. One that throws hurts nobody. */
export class Listeners {
  private readonly byChannel = new Map<string, Listener[]>();

  constructor(private readonly logger: Logger) {}

  add<T extends object>(channel: string, listener: (message: T) => void): void {
    const listeners = this.byChannel.get(channel) ?? [];
    this.byChannel.set(channel, [...listeners, listener as Listener]);
  }

  call(channel: string, message: object): void {
    for (const listener of this.byChannel.get(channel) ?? []) {
      try {
        listener(message);
      } catch (error) {
        this.logger.error({ err: error, channel }, 'A listener failed');
      }
    }
  }
}
