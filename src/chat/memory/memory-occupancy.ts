import type { Claim, Claimed, Occupant } from '../engine/room-feed';
import type { FeedHub } from './feed-hub';
import type { MemoryRoom } from './memory-room';
import type { MemoryRooms } from './memory-rooms';

/** Which sockets joined rooms, and which left them. */
export class MemoryOccupancy {
  constructor(
    private readonly state: MemoryRooms,
    private readonly hub: FeedHub,
  ) {}

  /** See `RoomFeed.enter`. */
  enter({ roomId, userId, socketId }: Occupant): void {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return;
    }
    room.group?.assertMember(userId, this.hub.now());
    take(room.leftSockets, userId, socketId);
    if (put(room.joined, userId, socketId)) {
      this.countParticipant(room, 1);
      this.hub.publish(room, { kind: 'joined', userId, activeUsers: room.activeUsers() });
    }
  }

  /** See `RoomFeed.claim`. */
  claim({ roomId, userId, socketId, keyDigest, proof, gone }: Claim): Claimed | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    const [holder] = room.joined.get(userId) ?? [];
    const own = holder === undefined || holder === socketId;
    if (!own && holder !== gone && (proof === undefined || proof !== room.claims.get(userId))) {
      return { taken: true, nodeId: '', socketId: holder };
    }
    room.claims.set(userId, keyDigest);
    this.enter({ roomId, userId, socketId });
    if (!own) {
      room.joined.get(userId)?.delete(holder);
      this.hub.publish(room, { kind: 'replaced', userId, socketId: holder });
    }
    return { taken: false };
  }

  /** See `RoomFeed.leave`. */
  leave(occupant: Occupant): void {
    const room = this.state.rooms.get(occupant.roomId);
    if (room) {
      put(room.leftSockets, occupant.userId, occupant.socketId);
      this.exit(room, occupant);
    }
  }

  /** See `RoomFeed.forget`. */
  forget(occupant: Occupant): void {
    const room = this.state.rooms.get(occupant.roomId);
    if (room) {
      take(room.leftSockets, occupant.userId, occupant.socketId);
      this.exit(room, occupant);
    }
  }

  /** The user is no member any more: none of their sockets is in the room. */
  expel(room: MemoryRoom, userId: string): void {
    room.leftSockets.delete(userId);
    if (room.joined.delete(userId)) {
      this.countParticipant(room, -1);
      this.hub.publish(room, { kind: 'left', userId, activeUsers: room.activeUsers() });
    }
  }

  /** The room goes with everyone in it. */
  closed(room: MemoryRoom): void {
    this.state.participants -= room.joined.size;
    this.state.occupied -= room.joined.size > 0 ? 1 : 0;
  }

  private exit(room: MemoryRoom, { userId, socketId }: Occupant): void {
    if (take(room.joined, userId, socketId)) {
      this.countParticipant(room, -1);
      room.claims.delete(userId);
      this.hub.publish(room, { kind: 'left', userId, activeUsers: room.activeUsers() });
    }
  }

  /** After the change of `joined`. */
  private countParticipant(room: MemoryRoom, step: 1 | -1): void {
    this.state.participants += step;
    if (room.joined.size === (step === 1 ? 1 : 0)) {
      this.state.occupied += step;
    }
  }
}

/** True where it is the user's first. */
function put(sets: Map<string, Set<string>>, userId: string, socketId: string): boolean {
  const set = sets.get(userId);
  if (set) {
    set.add(socketId);
    return false;
  }
  sets.set(userId, new Set([socketId]));
  return true;
}

/** True where it was the user's last. */
function take(sets: Map<string, Set<string>>, userId: string, socketId: string): boolean {
  const set = sets.get(userId);
  return set !== undefined && set.delete(socketId) && set.size === 0 && sets.delete(userId);
}
