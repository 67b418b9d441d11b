import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Awaitable, chain, isPromise } from '../common/awaitable';
import { AppConfig } from '../config/app-config';
import { SessionRegistry } from '../realtime/session-registry';
import { joinedRoom } from '../realtime/socket-rooms';
import { NodeBus } from '../storage/node-bus';
import { isGroupRoomId } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomStore } from './engine/room.store';
import { MembershipsService } from './memberships.service';

const ENTERED = 'member-entered';

interface Entered {
  readonly userId: string;
  readonly roomId: string;
}

/** A user with sockets on this node, or on the way here. */
interface Local {
  sockets: number;
  readonly rooms: Set<string>;
  /** Ends when `rooms` has been read; undefined once it has. */
  reading: Promise<void> | undefined;
}

/**
 * Which users with a socket on this node are members of which rooms that are not direct: read when a user's first socket
 * comes, kept up as they come into rooms. Who is no member any more may be among them until that is found out.
 */
@Injectable()
export class LocalMembers implements OnModuleInit {
  private readonly logger = new Logger(LocalMembers.name);
  private readonly locals = new Map<string, Local>();
  private readonly byRoom = new Map<string, Set<string>>();

  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly memberships: MembershipsService,
    private readonly sessions: SessionRegistry,
    private readonly bus: NodeBus,
    private readonly config: AppConfig,
  ) {}

  onModuleInit(): void {
    this.sessions.onArrival({
      prepare: (userId) => this.prepare(userId),
      leave: (userId) => this.leave(userId),
    });
    this.memberships.subscribe({
      entered: (userId, roomId) => this.bus.publish(ENTERED, { userId, roomId } satisfies Entered),
    });
    this.bus.subscribe<Entered>(ENTERED, ({ userId, roomId }) => this.enter(userId, roomId));
    this.bus.onGap(() => void this.readAll());
    this.feed.subscribe((event) => {
      // Not of who is a member no more: that may come later than the news that they are one again.
      if (event.kind === 'closed') {
        [...(this.byRoom.get(event.roomId) ?? [])].forEach((userId) => this.drop(userId, event.roomId));
      }
    });
  }

  /** Members of a room with a socket on this node, in a namespace, that does not hear the room. */
  *outside(roomId: string, namespace: string): Generator<string> {
    const joined = joinedRoom(roomId);
    for (const userId of this.byRoom.get(roomId) ?? []) {
      for (const { nsp, rooms } of this.sessions.socketsOf(userId)) {
        if (nsp.name === namespace && !rooms.has(joined)) {
          yield userId;
          break;
        }
      }
    }
  }

  /** A user was found to be no member of a room. */
  drop(userId: string, roomId: string): void {
    this.locals.get(userId)?.rooms.delete(roomId);
    const users = this.byRoom.get(roomId);
    if (users?.delete(userId) && users.size === 0) {
      this.byRoom.delete(roomId);
    }
  }

  private prepare(userId: string): Awaitable<void> {
    const known = this.locals.get(userId);
    if (known) {
      known.sockets++;
      return known.reading;
    }
    // Before the rooms are read: what the user comes into meanwhile is noted.
    const local: Local = { sockets: 1, rooms: new Set(), reading: undefined };
    this.locals.set(userId, local);
    const read = this.read(userId, local);
    // Fails for every socket that waits for it, and then there is none.
    local.reading = isPromise(read) ? read.catch((error: unknown) => this.fail(userId, local, error)) : undefined;
    return local.reading;
  }

  private leave(userId: string): void {
    const local = this.locals.get(userId);
    if (local && --local.sockets === 0) {
      this.forget(userId, local);
    }
  }

  private fail(userId: string, local: Local, error: unknown): never {
    this.forget(userId, local);
    throw error;
  }

  private forget(userId: string, local: Local): void {
    [...local.rooms].forEach((roomId) => this.drop(userId, roomId));
    this.locals.delete(userId);
  }

  private read(userId: string, local: Local): Awaitable<void> {
    // Not those that the user comes into while they are read.
    const before = [...local.rooms];
    return chain(this.rooms.idsOf(userId), (roomIds) => {
      local.reading = undefined;
      if (this.locals.get(userId) !== local) {
        return;
      }
      const standing = new Set(roomIds.filter(isGroupRoomId));
      before.filter((roomId) => !standing.has(roomId)).forEach((roomId) => this.drop(userId, roomId));
      standing.forEach((roomId) => this.add(userId, roomId, local));
    });
  }

  private enter(userId: string, roomId: string): void {
    const local = this.locals.get(userId);
    if (!local) {
      return;
    }
    this.add(userId, roomId, local);
    // Nobody is in so many rooms: some of them were left without this node hearing of it.
    if (local.rooms.size > this.config.env.MAX_ROOMS_PER_USER) {
      void this.readAgain(userId, local);
    }
  }

  private add(userId: string, roomId: string, { rooms }: Local): void {
    rooms.add(roomId);
    const users = this.byRoom.get(roomId) ?? new Set();
    this.byRoom.set(roomId, users.add(userId));
  }

  /** Joins of this node's users may have been missed. One after another: nobody waits for it. */
  private async readAll(): Promise<void> {
    for (const [userId, local] of this.locals) {
      await this.readAgain(userId, local);
    }
  }

  private async readAgain(userId: string, local: Local): Promise<void> {
    try {
      await this.read(userId, local);
    } catch (error) {
      this.logger.warn({ err: error, userId }, 'The rooms of a user were not read again');
    }
  }
}
