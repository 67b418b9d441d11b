import { Injectable, Logger } from '@nestjs/common';
import { AppError, type ErrorCode } from '../common/app-error';
import { isPromise } from '../common/awaitable';
import { assertAccount } from '../common/http/access.decorators';
import { SessionRegistry } from '../realtime/session-registry';
import { ALL_ROOMS, joinedRoom } from '../realtime/socket-rooms';
import type { MayflySocket } from '../realtime/socket-session';
import { directMembers } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomStore, type RoomSummary } from './engine/room.store';
import { RoomPlaces } from './room-places';
import { RoomsService } from './rooms.service';

/** Rooms that one socket joins at once. */
const BATCH = 32;
/** With these a room is passed over that was closed meanwhile, or whose member the user is no more. */
const GONE: readonly ErrorCode[] = ['NotFoundError', 'AuthorizationError', 'ConflictError'];

/** Joins that tell nothing of what is in a room: by sending to it, or of all rooms of a user. */
@Injectable()
export class SilentJoins {
  private readonly logger = new Logger(SilentJoins.name);

  constructor(
    private readonly rooms: RoomsService,
    private readonly store: RoomStore,
    private readonly feed: RoomFeed,
    private readonly places: RoomPlaces,
    private readonly sessions: SessionRegistry,
  ) {}

  /** Whether a socket has joined a room. */
  hasJoined(socket: MayflySocket, roomId: string): boolean {
    return socket.rooms.has(joinedRoom(roomId));
  }

  /** Joins a room, opened if need be. @throws AppError AuthorizationError, NotFoundError, ConflictError, CapacityError */
  async join(socket: MayflySocket, roomId: string): Promise<void> {
    const { identity } = socket.data;
    await this.rooms.authorize(identity, roomId);
    await this.enter(socket, roomId, () => this.rooms.ensure(identity, roomId));
  }

  /**
   * Joins all rooms of a socket's user, with `later` also those that are opened from now on. Gives them, newest activity
   * first.
   * @throws AppError AuthorizationError (guest), ConflictError, CapacityError
   */
  async joinAll(socket: MayflySocket, { later }: { later: boolean }): Promise<RoomSummary[]> {
    const { identity } = socket.data;
    assertAccount(identity);
    if (later) {
      void socket.join(ALL_ROOMS);
    }
    const missing = (await this.store.idsOf(identity.userId)).filter((roomId) => !this.hasJoined(socket, roomId));
    for (let first = 0; first < missing.length; first += BATCH) {
      await Promise.all(missing.slice(first, first + BATCH).map((roomId) => this.joinStanding(socket, roomId)));
    }
    return this.rooms.list(identity);
  }

  /** A direct room was opened, at this position of its feed: sockets of the two that want all their rooms are in it. */
  opened(roomId: string, position: number): void {
    for (const userId of directMembers(roomId) ?? []) {
      for (const socket of this.sessions.socketsOf(userId)) {
        if (socket.rooms.has(ALL_ROOMS) && this.places.seat(socket, roomId, position)) {
          void socket.join(joinedRoom(roomId));
          this.count(socket, roomId);
        }
      }
    }
  }

  /**
   * A user came into a room that is not direct: sockets of theirs on this node that want all their rooms join it. Does not
   * fail: the next join of all rooms makes up for it.
   */
  async entered(userId: string, roomId: string): Promise<void> {
    for (const socket of [...this.sessions.socketsOf(userId)]) {
      if (socket.rooms.has(ALL_ROOMS) && !this.hasJoined(socket, roomId)) {
        await this.joinStanding(socket, roomId).catch((error: unknown) => this.uncounted(error, roomId));
      }
    }
  }

  private async joinStanding(socket: MayflySocket, roomId: string): Promise<void> {
    try {
      await this.enter(socket, roomId, () => this.rooms.get(socket.data.identity, roomId));
    } catch (error) {
      const refused = error instanceof AppError && GONE.includes(error.code);
      if (!refused || socket.data.ended) {
        throw error;
      }
    }
  }

  private async enter(socket: MayflySocket, roomId: string, find: () => Promise<{ position: number }>): Promise<void> {
    const place = await this.places.begin(socket, roomId);
    try {
      const { position } = await find();
      this.places.assertStands(place);
      void socket.join(joinedRoom(roomId));
      await this.feed.enter({ roomId, userId: socket.data.identity.userId, socketId: socket.id });
      this.places.settle(place, position);
    } catch (error) {
      this.places.fail(place);
      throw error;
    }
  }

  private count(socket: MayflySocket, roomId: string): void {
    const { userId } = socket.data.identity;
    const entered = this.feed.enter({ roomId, userId, socketId: socket.id });
    if (isPromise(entered)) {
      // It hears the room all the same, and its user is there; only `activeUsers` lacks them.
      entered.catch((error: unknown) => this.uncounted(error, roomId));
    }
  }

  private uncounted(error: unknown, roomId: string): void {
    this.logger.warn({ err: error, roomId }, 'A socket does not count as joined');
  }
}
