import { Injectable, Logger } from '@nestjs/common';
import { NodeBus } from './node-bus';

type Listener = (message: object) => void;

/** The only node there is: listeners are called before `publish` returns. */
@Injectable()
export class MemoryNodeBus extends NodeBus {
  private readonly logger = new Logger(MemoryNodeBus.name);
  private readonly listeners = new Map<string, Listener[]>();

  override publish(channel: string, message: object): void {
    for (const listener of this.listeners.get(channel) ?? []) {
      try {
        listener(message);
      } catch (error) {
        this.logger.error({ err: error, channel }, 'A listener failed');
      }
    }
  }

  override subscribe<T extends object>(channel: string, listener: (message: T) => void): void {
    const listeners = this.listeners.get(channel) ?? [];
    this.listeners.set(channel, [...listeners, listener as Listener]);
  }
}
