import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { RoomDelivery } from '../realtime/room-delivery';
import { joinedRoom } from '../realtime/socket-rooms';
import type { MayflySocket } from '../realtime/socket-session';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';

/** A socket of this node in a room, from when its join begins until it is out. */
export interface Place {
  readonly socket: MayflySocket;
  readonly roomId: string;
  /** Position of the room that its last join told of; undefined before the end of its first. */
  position: number | undefined;
  /** A join is under way. */
  joining: boolean;
  /** Position of the last end of the room that came while a join was under way. */
  closedAt: number;
  /** This node follows the room for its sake. */
  followed: boolean;
  /** It is out: nothing of the room is for it any more. */
  out: boolean;
}

/**
 * Which sockets of this node are in which rooms. A room that is heard by joining is followed here as long as a socket of
 * this node is in it.
 */
@Injectable()
export class RoomPlaces {
  private readonly byRoom = new Map<string, Map<MayflySocket, Place>>();
  private readonly bySocket = new Map<MayflySocket, Map<string, Place>>();

  constructor(
    private readonly feed: RoomFeed,
    private readonly policies: RoomPolicies,
    private readonly delivery: RoomDelivery,
  ) {}

  /** The place of a socket; undefined where it is not in the room. */
  find(socket: MayflySocket, roomId: string): Place | undefined {
    return this.byRoom.get(roomId)?.get(socket);
  }

  /** Those in a room, or about to join it. */
  of(roomId: string): Place[] {
    return [...(this.byRoom.get(roomId)?.values() ?? [])];
  }

  /** Ids of the rooms that a socket is in. */
  roomsOf(socket: MayflySocket): string[] {
    return [...(this.bySocket.get(socket)?.keys() ?? [])];
  }

  /**
   * A join begins, of a socket that may be in the room already. When this ends the room's events come to this node; they
   * are not for the socket yet. @throws AppError CapacityError, ConflictError where the socket is gone meanwhile
   */
  async begin(socket: MayflySocket, roomId: string): Promise<Place> {
    const place = this.find(socket, roomId) ?? this.add(socket, roomId);
    place.joining = true;
    place.closedAt = 0;
    if (!place.followed && this.policies.byId(roomId).audience === 'joined') {
      try {
        await this.feed.followRoom(roomId);
      } catch (error) {
        this.remove(place);
        throw error;
      }
      if (place.out) {
        this.feed.unfollowRoom(roomId);
      } else {
        place.followed = true;
      }
    }
    this.assertStands(place);
    return place;
  }

  /**
   * Puts a socket into a room without a join, at this position, where it stays though a join under way fails. False where
   * it is in it already.
   */
  seat(socket: MayflySocket, roomId: string, position: number): boolean {
    const place = this.find(socket, roomId);
    if (socket.data.ended || place?.position !== undefined) {
      return false;
    }
    if (place) {
      place.position = position;
    } else {
      this.settle(this.add(socket, roomId), position);
    }
    return true;
  }

  /** @throws AppError ConflictError where a join was undone while it was under way */
  assertStands(place: Place): void {
    if (place.out || place.socket.data.ended) {
      // Whatever it joined now would not be forgotten: it is gone already.
      throw new AppError('ConflictError', 'The connection was closed, or you were taken out of the room');
    }
  }

  /** A join ends well: the socket was told of everything up to this position of the room. */
  settle(place: Place, position: number): void {
    place.joining = false;
    if (!place.out) {
      place.position = position;
      if (place.closedAt > position) {
        this.remove(place);
      }
    }
  }

  /** A join failed. True where the socket is in the room all the same, from an earlier one. */
  fail(place: Place): boolean {
    place.joining = false;
    if (!place.out && (place.position === undefined || place.closedAt > place.position)) {
      this.remove(place);
    }
    return !place.out;
  }

  /**
   * A room was closed: who joined it before is out. Not who joined what stands under its id by now, though the end of the
   * old one comes late.
   */
  closed(roomId: string, position: number): void {
    for (const place of this.of(roomId)) {
      if (place.joining) {
        place.closedAt = Math.max(place.closedAt, position);
      } else if ((place.position ?? 0) < position) {
        this.remove(place);
      }
    }
  }

  /** Takes a socket out of a room. */
  remove(place: Place): void {
    if (place.out) {
      return;
    }
    const { socket, roomId } = place;
    place.out = true;
    take(this.byRoom, roomId, socket);
    take(this.bySocket, socket, roomId);
    void socket.leave(joinedRoom(roomId));
    this.delivery.forget(socket, roomId);
    if (place.followed) {
      this.feed.unfollowRoom(roomId);
    }
  }

  private add(socket: MayflySocket, roomId: string): Place {
    const place: Place = {
      socket,
      roomId,
      position: undefined,
      joining: true,
      closedAt: 0,
      followed: false,
      out: false,
    };
    put(this.byRoom, roomId, socket, place);
    put(this.bySocket, socket, roomId, place);
    return place;
  }
}

function put<A, B>(places: Map<A, Map<B, Place>>, first: A, second: B, place: Place): void {
  const inner = places.get(first) ?? new Map<B, Place>();
  places.set(first, inner.set(second, place));
}

function take<A, B>(places: Map<A, Map<B, Place>>, first: A, second: B): void {
  const inner = places.get(first);
  if (inner?.delete(second) && inner.size === 0) {
    places.delete(first);
  }
}
