import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain, isPromise } from '../common/awaitable';
import { Clock } from '../common/clock';
import type { Identity } from '../common/identity';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import { assertAccount } from '../common/http/access.decorators';
import { UsersService } from '../users/users.service';
import type { UserRecord } from '../users/user-store';
import { directMembers, directRoomId, otherMember, type Room, type RoomSettings } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore, type RoomSummary } from './engine/room.store';
import { RoomLifeService } from './room-life.service';

const NO_ROOM = 'There is no such room';

/** Opening, finding and ending rooms, and who may. */
@Injectable()
export class RoomsService {
  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly policies: RoomPolicies,
    private readonly users: UsersService,
    private readonly life: RoomLifeService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AppConfig,
  ) {}

  /** The other user of a direct room of `user`. @throws AppError AuthorizationError (guest), NotFoundError */
  authorize(user: Identity, roomId: string): string {
    assertAccount(user);
    const other = otherMember(roomId, user.userId);
    if (other === undefined) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
    return other;
  }

  /** Whether the room is one of the user's, whether it stands or not. */
  isMember(user: Identity, roomId: string): boolean {
    return otherMember(roomId, user.userId) !== undefined;
  }

  /** Whether the room stands now. */
  stands(roomId: string): Awaitable<boolean> {
    return chain(this.rooms.find(roomId), (room) => room !== undefined);
  }

  /** Default lifetime of messages in the room, seconds, be it opened or not; null: they are kept. */
  ttlOf(roomId: string): Awaitable<number | null> {
    const room = this.rooms.find(roomId);
    return chain(room, (standing) => (standing?.settings ?? this.policies.byId(roomId).defaults).messageTtl);
  }

  /** Opens the direct room with another account, or gives the one that stands. @throws AppError NotFoundError */
  openDirect(user: Identity, otherUserId: string): Promise<Room> {
    if (otherUserId === user.userId) {
      throw AppError.field('otherUserId', 'You cannot open a room with yourself');
    }
    return this.open(user, directRoomId(user.userId, otherUserId), 'There is no such user');
  }

  /** The room of this id, opened if need be: a direct room can be opened from its id alone. @throws AppError NotFoundError */
  async ensure(user: Identity, roomId: string): Promise<Room> {
    this.authorize(user, roomId);
    const standing = this.rooms.find(roomId);
    return (isPromise(standing) ? await standing : standing) ?? this.open(user, roomId, NO_ROOM);
  }

  /** A room that stands. @throws AppError NotFoundError */
  async get(user: Identity, roomId: string): Promise<Room> {
    this.authorize(user, roomId);
    const room = await this.rooms.find(roomId);
    if (!room) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
    return room;
  }

  /** The rooms of a user, newest activity first. */
  async list(user: Identity): Promise<RoomSummary[]> {
    return this.rooms.summariesOf(user.userId);
  }

  /** Changes the settings of a direct room; either side may. @throws AppError NotFoundError, ValidationError */
  async configure(user: Identity, roomId: string, settings: Partial<RoomSettings>): Promise<Room> {
    await this.get(user, roomId);
    const { messageTtl } = settings;
    if (messageTtl === null) {
      throw AppError.field('settings.messageTtl', 'A direct room cannot keep its history');
    }
    if (messageTtl !== undefined) {
      this.checkTtl(messageTtl, 'settings.messageTtl');
    }
    const room = await this.feed.configure(roomId, settings);
    if (!room) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
    if (messageTtl !== undefined) {
      await this.note(user, room, `${user.username} set the lifetime of messages to ${messageTtl} s`);
    }
    return room;
  }

  /** Wipes a direct room for both. @throws AppError NotFoundError */
  async close(user: Identity, roomId: string): Promise<void> {
    await this.get(user, roomId);
    await this.feed.close(roomId, 'deleted');
  }

  /** Wipes every direct room of a user whose account goes. */
  async eraseUser(userId: string): Promise<void> {
    for (const roomId of await this.rooms.idsOf(userId)) {
      await this.feed.close(roomId, 'erased');
    }
  }

  /** Users who share a room with this one. */
  async peersOf(userId: string): Promise<string[]> {
    const ids = await this.rooms.idsOf(userId);
    return ids.flatMap((roomId) => otherMember(roomId, userId) ?? []);
  }

  /** @throws AppError ValidationError for a lifetime in seconds that is out of range */
  checkTtl(ttl: number, field: string): void {
    const { MESSAGE_TTL_MIN_S: least, MESSAGE_TTL_MAX_S: most } = this.config.env;
    if (ttl < least || ttl > most) {
      throw AppError.field(field, `${field} must be ${least} to ${most} seconds`);
    }
  }

  private async open(user: Identity, roomId: string, notFound: string): Promise<Room> {
    const other = this.authorize(user, roomId);
    const [members, policy] = [await this.accounts(roomId), this.policies.of('direct')];
    if (!members.some(({ id }) => id === other)) {
      throw new AppError('NotFoundError', notFound);
    }
    await this.life.watch(roomId);
    const { room } = await this.feed.open(
      {
        id: roomId,
        type: 'direct',
        epoch: this.ids.id(),
        members: members.map(({ id, username }) => ({ userId: id, username })),
        settings: policy.defaults,
        createdAt: this.clock.now(),
        openedBy: user.userId,
      },
      this.config.env.MAX_ROOMS_PER_USER,
    );
    return room;
  }

  private async accounts(roomId: string): Promise<UserRecord[]> {
    const users = await this.users.findMany(directMembers(roomId) ?? []);
    return users.filter(({ kind }) => kind === 'account');
  }

  private async note(user: Identity, room: Room, content: string): Promise<void> {
    const draft = {
      roomId: room.id,
      senderId: user.userId,
      senderUsername: user.username,
      type: 'system' as const,
      content,
      ttl: undefined,
      expireFrom: 'sent' as const,
      burn: false,
      image: undefined,
      clientId: undefined,
      system: { kind: 'settings' as const, actorId: user.userId },
    };
    await this.feed.append(draft, this.policies.of(room.type).limits);
  }
}
