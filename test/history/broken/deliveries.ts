import { RoomDelivery, type RoomAudience } from '../../../src/realtime/room-delivery';
import type { ServerEvent } from '../../../src/realtime/server-event';

const LOST = 1 / 30;

/** BROKEN: what happens during a join is handed on at once, before the ack that does not know of it. */
export class HoldlessDelivery extends RoomDelivery {
  override hold(): void {
    return;
  }

  override release(): void {
    return;
  }
}

/** BROKEN: loses an event now and then. */
export class LosingDelivery extends RoomDelivery {
  override emit<T extends object>(
    event: ServerEvent<T>,
    payload: T,
    roomId: string,
    position: number,
    audience: RoomAudience,
  ): void {
    if (Math.random() >= LOST) {
      super.emit(event, payload, roomId, position, audience);
    }
  }
}

/** BROKEN: goes on telling those who have left. */
export class DeafDelivery extends RoomDelivery {
  override emit<T extends object>(
    event: ServerEvent<T>,
    payload: T,
    roomId: string,
    position: number,
    audience: RoomAudience,
  ): void {
    super.emit(event, payload, roomId, position, { ...audience, evenLeft: true });
  }
}
