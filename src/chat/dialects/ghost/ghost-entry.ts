import { randomBytes } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { AppError } from '../../../common/app-error';
import { Nodes } from '../../../nodes/nodes';
import { Broadcaster } from '../../../realtime/broadcaster';
import { RoomDelivery } from '../../../realtime/room-delivery';
import { SocketProbe } from '../../../realtime/socket-probe';
import { joinedRoom } from '../../../realtime/socket-rooms';
import type { MayflySocket } from '../../../realtime/socket-session';
import { MessageStore, type Snapshot } from '../../engine/message.store';
import { RoomFeed } from '../../engine/room-feed';
import { RoomLifeService } from '../../room-life.service';
import { RoomPlaces } from '../../room-places';
import { TypingService } from '../../typing.service';
import type { RoomJoinedDto } from './dto/ghost-answers.dto';
import type { JoinGhostRoomDto } from './dto/ghost-requests.dto';
import { GhostBurns } from './ghost-burns';
import { GhostLimits } from './ghost-limits';
import { type Ghost, GhostPlaces, agentIdOf } from './ghost-places';
import { GhostRoomsService } from './ghost-rooms.service';
import { GhostTokens } from './ghost-tokens';
import { GhostEvents } from './ghost.events';

/** Rooms that one socket may be in at once (ghost.md). */
const MAX_ROOMS = 20;
/** A room that is wiped between opening and entering is opened again, a name that changes hands is asked for again. */
const MAX_TRIES = 4;
const KEY_BYTES = 16;

/** Sockets entering and leaving anonymous rooms. Stands beside the gateway: it knows sockets. */
@Injectable()
export class GhostEntry {
  private readonly logger = new Logger(GhostEntry.name);

  constructor(
    private readonly rooms: GhostRoomsService,
    private readonly ghosts: GhostPlaces,
    private readonly places: RoomPlaces,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly burns: GhostBurns,
    private readonly typing: TypingService,
    private readonly life: RoomLifeService,
    private readonly probe: SocketProbe,
    private readonly nodes: Nodes,
    private readonly limits: GhostLimits,
    private readonly tokens: GhostTokens,
  ) {}

  /** Who a socket is in the room of a token. @throws AppError AuthorizationError where it is not in it */
  ghostOf(socket: MayflySocket, token: string): Ghost {
    const ghost = this.findGhost(socket, token);
    if (!ghost) {
      throw new AppError('AuthorizationError', 'Join the room first');
    }
    return ghost;
  }

  /** Who a socket is in the room of a token; undefined where it is not in it. */
  findGhost(socket: MayflySocket, token: string): Ghost | undefined {
    const ghost = this.ghosts.find(socket, this.tokens.roomId(token));
    return ghost?.cameAt === undefined ? undefined : ghost;
  }

  /**
   * Brings a socket into a room, opened if need be, under a name that nobody else there has. Its events are held back
   * until the socket was told who is there.
   * @throws AppError ConflictError (the name is taken), RateLimitError, CapacityError
   */
  async join(socket: MayflySocket, { roomToken, agentId, rejoinKey }: JoinGhostRoomDto): Promise<RoomJoinedDto> {
    const roomId = this.tokens.roomId(roomToken);
    const standing = this.ghosts.find(socket, roomId);
    if (standing && standing.agentId !== agentId) {
      throw new AppError('ConflictError', 'You are in this room under another name: leave it first');
    }
    if (!standing && this.places.roomsOf(socket).length >= MAX_ROOMS) {
      throw new AppError('CapacityError', `You are in ${MAX_ROOMS} rooms already: leave one first`);
    }
    await this.limits.join(socket.data.ip, roomId);
    this.delivery.hold(socket, roomId);
    try {
      const place = await this.places.begin(socket, roomId);
      const ghost = standing ?? this.ghosts.add(place, roomToken, agentId);
      void socket.join(joinedRoom(roomId));
      const key = randomBytes(KEY_BYTES).toString('base64url');
      await this.claim(ghost, this.tokens.digest(key), rejoinKey);
      const snapshot = await this.look(ghost);
      const joined = { roomToken, participants: snapshot.activeUsers.map(agentIdOf), rejoinKey: key };
      socket.data.afterReply = () => this.arrived(ghost, snapshot, joined);
      return joined;
    } catch (error) {
      this.refused(socket, roomId);
      throw error;
    }
  }

  /** Leaves a room; of one that it is not in a success without effect. */
  async leave(socket: MayflySocket, token: string): Promise<void> {
    const ghost = this.ghosts.find(socket, this.tokens.roomId(token));
    if (ghost) {
      await this.remove(ghost);
    }
  }

  /** The socket is gone, and so is whoever it was. */
  async disconnected(socket: MayflySocket): Promise<void> {
    for (const roomId of this.places.roomsOf(socket)) {
      const ghost = this.ghosts.find(socket, roomId);
      if (ghost) {
        await this.remove(ghost);
      }
    }
  }

  /** Another socket is this user now: whichever of this node was, is in the room no more. */
  replaced(roomId: string, userId: string, socketId: string): void {
    for (const ghost of this.ghosts.of(roomId)) {
      if (ghost.userId === userId && ghost.place.socket.id === socketId) {
        this.typing.clear(ghost, roomId);
        this.putOut(ghost);
      }
    }
  }

  private async claim(ghost: Ghost, keyDigest: string, rejoinKey: string | undefined): Promise<void> {
    const { place, userId } = ghost;
    const occupant = { roomId: place.roomId, userId, socketId: place.socket.id };
    const proof = rejoinKey === undefined ? undefined : this.tokens.digest(rejoinKey);
    let gone: string | undefined;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const claimed = await this.feed.claim({ ...occupant, keyDigest, proof, gone });
      this.places.assertStands(place);
      if (!claimed) {
        await this.rooms.open(place.roomId);
        this.places.assertStands(place);
        continue;
      }
      if (!claimed.taken) {
        return;
      }
      const { nodeId, socketId } = claimed;
      if (await this.probe.isAlive({ nodeId: nodeId || this.nodes.id, socketId })) {
        throw new AppError('ConflictError', 'Somebody in the room has this name: choose another');
      }
      this.places.assertStands(place);
      gone = socketId;
    }
    throw new AppError('ConflictError', 'The room or the name is just changing hands, try again');
  }

  /** What is in the room, read at one position. */
  private async look({ place, userId }: Ghost): Promise<Snapshot> {
    const snapshot = await this.messages.snapshot(place.roomId, userId, undefined, { count: 1, bytes: 0 });
    this.places.assertStands(place);
    if (!snapshot) {
      throw new AppError('ConflictError', 'The room is being closed, try again');
    }
    return snapshot;
  }

  /** After the ack: tells the socket, then lets go of what came behind it. */
  private arrived(ghost: Ghost, { room }: Snapshot, joined: RoomJoinedDto): void {
    const { place } = ghost;
    const { socket, roomId } = place;
    ghost.cameAt = room.lastSeq;
    this.places.settle(place, room.position);
    this.broadcaster.emitTo(socket, GhostEvents.roomJoined, joined);
    this.delivery.release(socket, roomId, room.position);
    this.burns.released(ghost);
    this.burns.arrived(ghost);
  }

  /** The join failed: the socket is in the room only if it was before. */
  private refused(socket: MayflySocket, roomId: string): void {
    const ghost = this.ghosts.find(socket, roomId);
    if (ghost && this.places.fail(ghost.place)) {
      this.delivery.release(socket, roomId, 0);
      this.burns.released(ghost);
      return;
    }
    this.delivery.drop(socket, roomId);
    if (ghost) {
      this.forget(ghost).catch((error: unknown) => {
        // It goes when this node is gone.
        this.logger.warn({ err: error, roomId }, 'A socket still counts as in a room');
      });
    }
  }

  private async remove(ghost: Ghost): Promise<void> {
    this.typing.clear(ghost, ghost.place.roomId);
    this.putOut(ghost);
    await this.forget(ghost);
  }

  private putOut({ place }: Ghost): void {
    this.places.remove(place);
    this.delivery.drop(place.socket, place.roomId);
  }

  private async forget({ place: { roomId, socket }, userId }: Ghost): Promise<void> {
    await this.feed.forget({ roomId, userId, socketId: socket.id });
    await this.life.review(roomId);
  }
}
