import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain, isPromise } from '../common/awaitable';
import { Clock } from '../common/clock';
import type { Identity } from '../common/identity';
import { Ids } from '../common/ids';
import { cleanText } from '../common/text';
import { AppConfig } from '../config/app-config';
import { assertAccount } from '../common/http/access.decorators';
import { UsersService } from '../users/users.service';
import type { UserRecord } from '../users/user-store';
import { type Membership, outsider, refused, type Standing } from './engine/membership';
import { MembershipStore } from './engine/membership.store';
import { directMembers, directRoomId, isGroupRoomId, otherMember, type Room, type RoomSettings } from './engine/room';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore, type RoomSummary } from './engine/room.store';
import { opaqueText, plainText } from './message-text';
import { RoomLifeService } from './room-life.service';

const NO_ROOM = 'There is no such room';
/** Rooms with more members tell none of them of each other's presence. */
const MAX_PEERS_OF_ROOM = 100;
/** Members told with a room. */
const TOLD_MEMBERS = 200;
/** When there are so many, no further room is looked at. */
const MAX_PEERS = 1000;

/** Opening, finding and ending rooms, and who may. */
@Injectable()
export class RoomsService {
  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly memberships: MembershipStore,
    private readonly policies: RoomPolicies,
    private readonly users: UsersService,
    private readonly life: RoomLifeService,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AppConfig,
  ) {}

  /**
   * Passes for a member of the room: of a direct one, whether it stands or not. At once where the room is direct or the
   * store answers at once. @throws AppError AuthorizationError (guest, or not let into a public room), NotFoundError
   */
  authorize(user: Identity, roomId: string): Awaitable<void> {
    assertAccount(user);
    if (isGroupRoomId(roomId)) {
      return chain(this.memberships.standing(roomId, user.userId), assertMember);
    }
    if (!this.isMember(user, roomId)) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
  }

  /**
   * Passes for who may try to send to the room: what members of rooms that are not direct may do is for the feed to
   * check. @throws AppError AuthorizationError (guest), NotFoundError
   */
  assertSendable(user: Identity, roomId: string): void {
    assertAccount(user);
    if (!isGroupRoomId(roomId) && !this.isMember(user, roomId)) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
  }

  /** Whether the user is in the room: what `authorize` passes for. */
  async mayRead(user: Identity, roomId: string): Promise<boolean> {
    try {
      await this.authorize(user, roomId);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code !== 'CapacityError') {
        return false;
      }
      throw error;
    }
  }

  /** Whether the room is a direct one of the user's, whether it stands or not. */
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
    if (isGroupRoomId(roomId)) {
      return this.get(user, roomId);
    }
    const authorized = this.authorize(user, roomId);
    if (isPromise(authorized)) {
      await authorized;
    }
    const standing = this.rooms.find(roomId);
    return (isPromise(standing) ? await standing : standing) ?? this.open(user, roomId, NO_ROOM);
  }

  /** A room that stands. @throws AppError NotFoundError, AuthorizationError */
  async get(user: Identity, roomId: string): Promise<Room> {
    const authorized = this.authorize(user, roomId);
    if (isPromise(authorized)) {
      await authorized;
    }
    const room = await this.rooms.find(roomId);
    if (!room) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
    return room;
  }

  /** The first members of a room that is not direct, longest-standing first; undefined of a direct one. */
  firstMembers({ id }: Room): Awaitable<Membership[] | undefined> {
    if (!isGroupRoomId(id)) {
      return undefined;
    }
    return chain(this.memberships.members(id, undefined, TOLD_MEMBERS), ({ members }) => members);
  }

  /** The rooms of a user, newest activity first. */
  async list(user: Identity): Promise<RoomSummary[]> {
    return this.rooms.summariesOf(user.userId);
  }

  /**
   * Changes the settings of a direct room; either side may. What is so already is no change.
   * @throws AppError NotFoundError, ValidationError
   */
  async configure(user: Identity, roomId: string, settings: Partial<RoomSettings>): Promise<Room> {
    const standing = await this.get(user, roomId);
    const { messageTtl } = settings;
    if (messageTtl === null) {
      throw AppError.field('settings.messageTtl', 'A direct room cannot keep its history');
    }
    if (messageTtl !== undefined) {
      this.checkTtl(messageTtl, 'settings.messageTtl');
    }
    if (messageTtl === undefined || messageTtl === standing.settings.messageTtl) {
      return standing;
    }
    const room = await this.feed.configure(roomId, settings);
    if (!room) {
      throw new AppError('NotFoundError', NO_ROOM);
    }
    await this.note(user, room, `${user.username} set the lifetime of messages to ${messageTtl} s`);
    return room;
  }

  /** Wipes a direct room for both. @throws AppError NotFoundError */
  async close(user: Identity, roomId: string): Promise<void> {
    await this.get(user, roomId);
    await this.feed.close(roomId, 'deleted');
  }

  /** Users who share a room with this one; of rooms that are not direct, at most so many as presence is told to. */
  async peersOf(userId: string): Promise<string[]> {
    const peers = new Set<string>();
    for (const roomId of await this.rooms.idsOf(userId)) {
      const other = otherMember(roomId, userId);
      if (other !== undefined) {
        peers.add(other);
      } else if (peers.size < MAX_PEERS) {
        const { members, next } = await this.memberships.members(roomId, undefined, MAX_PEERS_OF_ROOM);
        (next === undefined ? members : []).forEach((member) => peers.add(member.userId));
      }
    }
    peers.delete(userId);
    return [...peers];
  }

  /**
   * A text as the room stores it: cleaned, or as it came where the room is encrypted. At once where the room is direct,
   * or the text is short and clean. @throws AppError ValidationError, NotFoundError, AuthorizationError
   */
  textFor(user: Identity, roomId: string, raw: string): Awaitable<string> {
    const { MAX_MESSAGE_LENGTH: most } = this.config.env;
    if (!isGroupRoomId(roomId)) {
      return plainText(raw, most);
    }
    if (raw.length <= most && cleanText(raw) === raw) {
      return raw;
    }
    const room = chain(this.authorize(user, roomId), () => this.rooms.find(roomId));
    return chain(room, (standing) => (standing?.settings.encrypted ? opaqueText(raw) : plainText(raw, most)));
  }

  /** @throws AppError ValidationError for a lifetime in seconds that is out of range */
  checkTtl(ttl: number, field: string): void {
    const { MESSAGE_TTL_MIN_S: least, MESSAGE_TTL_MAX_S: most } = this.config.env;
    if (ttl < least || ttl > most) {
      throw AppError.field(field, `${field} must be ${least} to ${most} seconds`);
    }
  }

  private async open(user: Identity, roomId: string, notFound: string): Promise<Room> {
    const other = otherMember(roomId, user.userId);
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

function assertMember(standing: Standing | undefined): void {
  if (standing?.role === undefined) {
    throw refused(standing ? outsider(standing.type, standing.banned) : 'gone');
  }
}
