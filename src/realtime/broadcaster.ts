import { Injectable } from '@nestjs/common';
import { PacketType } from 'socket.io-parser';
import { eventText, textFrame } from './packet-encoding';
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

type Adapter = ReturnType<RealtimeServer['io']['of']>['adapter'];

/** Sets of sockets to leave out that are looked through one by one; more are made one. */
const MAX_SETS = 4;

/** The only one that emits to others than the sender of an event. */
@Injectable()
export class Broadcaster {
  constructor(private readonly realtime: RealtimeServer) {}

  emit<T extends object>(event: ServerEvent<T>, payload: T, audience: Audience): void {
    if (audience.rooms.length === 0) {
      return;
    }
    if (audience.local) {
      return this.emitHere(event, payload, audience);
    }
    const { adapter } = this.realtime.io.of(event.namespace);
    adapter.broadcast(
      { type: PacketType.EVENT, data: [event.name, payload] },
      { rooms: new Set(audience.rooms), except: new Set(audience.except) },
    );
  }

  /**
   * To sockets of this node: what the adapter does, with nothing made for each socket. The packet is encoded once, where
   * there is anybody to get it.
   */
  private emitHere<T extends object>(event: ServerEvent<T>, payload: T, { rooms, except = [] }: Audience): void {
    const { adapter, sockets } = this.realtime.io.of(event.namespace);
    const excluded = membersOf(adapter, except);
    const seen = rooms.length > 1 ? new Set<string>() : undefined;
    let text: string | undefined;
    let options: object = {};
    for (const room of rooms) {
      for (const id of adapter.rooms.get(room) ?? []) {
        const socket = sockets.get(id);
        if (!socket || seen?.has(id) || isIn(excluded, id)) {
          continue;
        }
        if (text === undefined) {
          text = eventText(event.namespace, event.name, payload);
          options = { wsPreEncodedFrame: [textFrame(text)] };
        }
        seen?.add(id);
        socket.conn.write(text, options);
      }
    }
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

/** The sets of sockets that are in these rooms, those that have any. */
function membersOf(adapter: Adapter, rooms: readonly string[]): ReadonlySet<string>[] {
  const sets: ReadonlySet<string>[] = [];
  for (const room of rooms) {
    const members = adapter.rooms.get(room);
    if (members) {
      sets.push(members);
    }
  }
  return sets.length > MAX_SETS ? [new Set(sets.flatMap((set) => [...set]))] : sets;
}

function isIn(sets: readonly ReadonlySet<string>[], id: string): boolean {
  for (const set of sets) {
    if (set.has(id)) {
      return true;
    }
  }
  return false;
}
