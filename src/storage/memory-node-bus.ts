import { Injectable, Logger } from '@nestjs/common';
import { Listeners } from './listeners';
import { NodeBus } from './node-bus';

/** The only node there is: listeners are called before `publish` returns, and nothing is ever missed. */
@Injectable()
export class MemoryNodeBus extends NodeBus {
  private readonly listeners = new Listeners(new Logger(MemoryNodeBus.name));

  override publish(channel: string, message: object): void {
    this.listeners.call(channel, message);
  }

  override subscribe<T extends object>(channel: string, listener: (message: T) => void): void {
    this.listeners.add(channel, listener);
  }

  override onGap(): void {}
}
