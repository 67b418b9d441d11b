import { Logger } from '@nestjs/common';
import type { Clock } from '../../common/clock';
import type { RoomEvent, RoomListener } from '../engine/room-event';
import type { MemoryRoom } from './memory-room';

/** A room event without what the hub gives it. */
export type Happening = RoomEvent extends infer E
  ? E extends RoomEvent
    ? Omit<E, 'roomId' | 'position'>
    : never
  : never;

/** Counts what happens in rooms and hands it to the listeners, within the call of who publishes. */
export class FeedHub {
  private readonly logger = new Logger(FeedHub.name);
  private readonly listeners: RoomListener[] = [];
  /** Events that a listener caused, while it was handed another. */
  private readonly caused: RoomEvent[] = [];
  private handing = false;

  constructor(private readonly clock: Clock) {}

  /** Epoch ms. */
  now(): number {
    return this.clock.now();
  }

  subscribe(listener: RoomListener): void {
    this.listeners.push(listener);
  }

  publish(room: MemoryRoom, happening: Happening, at = this.clock.now()): void {
    room.position++;
    room.lastEvent = at;
    const event = { roomId: room.id, position: room.position, ...happening } as RoomEvent;
    if (this.handing) {
      this.caused.push(event);
      return;
    }
    this.handing = true;
    for (let next: RoomEvent | undefined = event; next; next = this.caused.shift()) {
      this.handOn(next);
    }
    this.handing = false;
  }

  private handOn(event: RoomEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        // The change is made: one listener's failure is neither its caller's nor that of the others.
        this.logger.error({ err: error, kind: event.kind }, 'A listener of the feed failed');
      }
    }
  }
}
