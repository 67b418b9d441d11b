import { Injectable } from '@nestjs/common';
import type { MayflySocket } from '../../../realtime/socket-session';
import { type Place, RoomPlaces } from '../../room-places';

/** Somebody in an anonymous room, by a socket of this node. */
export interface Ghost {
  readonly place: Place;
  readonly token: string;
  readonly agentId: string;
  /** What the engine calls them. */
  readonly userId: string;
  /** The last seq of the room when they came in; undefined until they have. */
  cameAt: number | undefined;
  /** Burn messages of others that are held back from them while a join is under way. */
  readonly heldBurns: { readonly id: string; readonly seq: number }[];
}

/** What the engine calls an agent: nothing in it could be taken for a separator. */
export function userIdOf(agentId: string): string {
  return encodeURIComponent(agentId);
}

export function agentIdOf(userId: string): string {
  return decodeURIComponent(userId);
}

/** Who the sockets of this node are in anonymous rooms: as long as their places stand. */
@Injectable()
export class GhostPlaces {
  private readonly ghosts = new WeakMap<Place, Ghost>();

  constructor(private readonly places: RoomPlaces) {}

  /** Undefined where the socket is not in the room, nor about to join it. */
  find(socket: MayflySocket, roomId: string): Ghost | undefined {
    const place = this.places.find(socket, roomId);
    return place && this.ghosts.get(place);
  }

  of(roomId: string): Ghost[] {
    return this.places.of(roomId).flatMap((place) => this.ghosts.get(place) ?? []);
  }

  /** The token of a room that somebody of this node is in. */
  tokenOf(roomId: string): string | undefined {
    return this.of(roomId)[0]?.token;
  }

  /** The socket is about to be somebody in its place. */
  add(place: Place, token: string, agentId: string): Ghost {
    const ghost = { place, token, agentId, userId: userIdOf(agentId), cameAt: undefined, heldBurns: [] };
    this.ghosts.set(place, ghost);
    return ghost;
  }
}
