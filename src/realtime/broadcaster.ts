import { Injectable } from '@nestjs/common';
import { PacketType } from 'socket.io-parser';
import type { ServerEvent } from './server-event';
import { RealtimeServer } from './realtime-server';
import type { MayflySocket } from './socket-session';

/** Which sockets of the event's namespace: those in any of `rooms` but in none of `except`. */
export interface Audience {
  /** Socket.IO rooms (socket-rooms.ts). Empty: nobody. */
  readonly rooms: readonly string[];
  readonly except?: readonly string[];
  /** Sockets of this node alone: for events that every node hands on by itself. */
  readonly local?: boolean;
}

const LOCAL = { local: true };
const EVERYWHERE = {};

/** The only one that emits to others than the sender of an event. */
@Injectable()
export class Broadcaster {
  constructor(private readonly realtime: RealtimeServer) {}

  emit<T extends object>(event: ServerEvent<T>, payload: T, audience: Audience): void {
    if (audience.rooms.length === 0) {
      return;
    }
    const { adapter } = this.realtime.io.of(event.namespace);
    // What `namespace.to(…).except(…).emit(…)` does, without an operator and its copies of the sets for each link.
    adapter.broadcast(
      { type: PacketType.EVENT, data: [event.name, payload] },
      { rooms: new Set(audience.rooms), except: new Set(audience.except), flags: audience.local ? LOCAL : EVERYWHERE },
    );
  }

  /** To every socket of the event's namespace. */
  emitToAll<T extends object>(event: ServerEvent<T>, payload: T): void {
    this.realtime.io.of(event.namespace).emit(event.name, payload);
  }

  /** To one socket of this node. */
  emitTo<T extends object>(socket: MayflySocket, event: ServerEvent<T>, payload: T): void {
    socket.emit(event.name, payload);
  }
}
