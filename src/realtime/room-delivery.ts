import { Injectable } from '@nestjs/common';
import { Broadcaster } from './broadcaster';
import type { ServerEvent } from './server-event';
import { SessionRegistry } from './session-registry';
import { SocketCloser } from './socket-closer';
import { heldRoom, joinedRoom, leftRoom, userRoom } from './socket-rooms';
import type { MayflySocket } from './socket-session';

/** Whom an event of a room is for. */
export interface RoomAudience {
  /** Only sockets of these users; undefined: everyone in the room. */
  readonly users?: readonly string[];
  /** No socket of this user. */
  readonly exceptUser?: string;
  /**
   * True where every member's socket hears the room without having joined (direct rooms): `users` are its members. False:
   * only sockets that joined hear it, of `users` too.
   */
  readonly byMembership: boolean;
  /** Also sockets that left the room. */
  readonly evenLeft?: boolean;
  /** The socket that caused the event and knows it from its ack. */
  readonly exceptSocket?: string;
}

interface HeldEvent {
  readonly position: number;
  readonly event: ServerEvent<object>;
  readonly payload: object;
}

interface Hold {
  readonly socket: MayflySocket;
  readonly events: HeldEvent[];
  /** Position of the last event of the room since the hold began; 0 without. */
  seen: number;
}

/** Events held for one join; past them the client has to come back and ask again. */
const MAX_HELD = 1000;

/**
 * Hands a room's events, in the order of its feed, to this node's sockets. While a socket's join is under way its
 * events are held back, and those that the ack covers are dropped: join-then-read would double messages, read-then-join
 * would lose some.
 */
@Injectable()
export class RoomDelivery {
  private readonly holds = new Map<string, Set<Hold>>();
  /**
   * By room, the sockets whose ack covered more than this node has been told so far, and up to where: what comes of
   * that is not for them. Gone when the room's events have passed it.
   */
  private readonly covered = new Map<string, Map<MayflySocket, number>>();

  constructor(
    private readonly broadcaster: Broadcaster,
    private readonly closer: SocketCloser,
    private readonly sessions: SessionRegistry,
  ) {}

  /** Emits one event, `position` of its room's feed. */
  emit<T extends object>(
    event: ServerEvent<T>,
    payload: T,
    roomId: string,
    position: number,
    audience: RoomAudience,
  ): void {
    const rooms = this.roomsOf(roomId, audience);
    const except: string[] = [];
    if (audience.exceptUser !== undefined) {
      except.push(userRoom(audience.exceptUser));
    }
    if (audience.byMembership && !audience.evenLeft) {
      except.push(leftRoom(roomId));
    }
    if (audience.exceptSocket) {
      except.push(audience.exceptSocket);
    }
    const covered = this.covered.get(roomId);
    if (covered) {
      this.passOver(covered, roomId, position, except);
    }
    const held = this.holds.get(roomId);
    if (held) {
      except.push(heldRoom(roomId));
      for (const hold of held) {
        hold.seen = Math.max(hold.seen, position);
        this.holdBack(hold, audience, { position, event, payload });
      }
    }
    this.broadcaster.emit(event, payload, { rooms, except, local: true });
  }

  /** Holds the room's events back from a socket until `release`. */
  hold(socket: MayflySocket, roomId: string): void {
    let held = this.holds.get(roomId);
    if (!held) {
      held = new Set();
      this.holds.set(roomId, held);
    }
    held.add({ socket, events: [], seen: 0 });
    void socket.join(heldRoom(roomId));
  }

  /**
   * Lets go: the socket gets what came after `position`, and from now on everything after it, also where the room's
   * events come to this node later than the ack told of them. Without effect where nothing is held back.
   */
  release(socket: MayflySocket, roomId: string, position: number): void {
    const holds = this.letGo(socket, roomId);
    let seen = 0;
    for (const hold of holds) {
      seen = Math.max(seen, hold.seen);
      for (const { event, payload, position: at } of hold.events) {
        if (at > position) {
          this.broadcaster.emitTo(socket, event, payload);
        }
      }
    }
    if (holds.length > 0 && seen < position && !socket.data.ended) {
      this.cover(socket, roomId, position);
    }
  }

  /** Lets go of a socket that may not hear the room: what was held back is not sent. */
  drop(socket: MayflySocket, roomId: string): void {
    this.letGo(socket, roomId);
    this.forget(socket, roomId);
  }

  /** Frees what is kept of a socket that is gone, or out of a room that it joined. */
  forget(socket: MayflySocket, roomId: string): void {
    const covered = this.covered.get(roomId);
    if (covered?.delete(socket) && covered.size === 0) {
      this.covered.delete(roomId);
    }
  }

  /** Socket.IO rooms of an audience; of users in a room that is heard by joining: their sockets, each a room of its own. */
  private roomsOf(roomId: string, { users, byMembership }: RoomAudience): string[] {
    const joined = joinedRoom(roomId);
    if (!users) {
      return [joined];
    }
    if (byMembership) {
      return users.map(userRoom);
    }
    const sockets = users.flatMap((userId) => [...this.sessions.socketsOf(userId)]);
    return sockets.flatMap(({ id, rooms }) => (rooms.has(joined) ? id : []));
  }

  private letGo(socket: MayflySocket, roomId: string): Hold[] {
    const held = this.holds.get(roomId);
    const own = [...(held ?? [])].filter((hold) => hold.socket === socket);
    own.forEach((hold) => held?.delete(hold));
    if (held?.size === 0) {
      this.holds.delete(roomId);
    }
    void socket.leave(heldRoom(roomId));
    return own;
  }

  private cover(socket: MayflySocket, roomId: string, position: number): void {
    const covered = this.covered.get(roomId) ?? new Map<MayflySocket, number>();
    covered.set(socket, Math.max(position, covered.get(socket) ?? 0));
    this.covered.set(roomId, covered);
  }

  private passOver(covered: Map<MayflySocket, number>, roomId: string, position: number, except: string[]): void {
    for (const [socket, upTo] of covered) {
      if (position <= upTo) {
        except.push(socket.id);
      } else {
        this.forget(socket, roomId);
      }
    }
  }

  private holdBack(hold: Hold, audience: RoomAudience, event: HeldEvent): void {
    const { id, data, nsp } = hold.socket;
    // Nobody is a user in an anonymous namespace.
    const userId = data.anonymousId === undefined ? data.identity.userId : undefined;
    const concerned =
      nsp.name === event.event.namespace &&
      id !== audience.exceptSocket &&
      (userId === undefined || userId !== audience.exceptUser) &&
      (!audience.users || (userId !== undefined && audience.users.includes(userId)));
    if (!concerned) {
      return;
    }
    if (hold.events.length >= MAX_HELD) {
      this.closer.closeTransport(hold.socket);
      return;
    }
    hold.events.push(event);
  }
}
