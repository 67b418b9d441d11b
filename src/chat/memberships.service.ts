import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';
import { Clock } from '../common/clock';
import { Cursors } from '../common/http/cursors';
import type { Identity } from '../common/identity';
import { Ids } from '../common/ids';
import type { UserRecord } from '../users/user-store';
import { UsersService } from '../users/users.service';
import {
  type Changed,
  type Invite,
  type Membership,
  type MembershipChange,
  NEEDED_ROLE,
  refused,
  type RoomChanges,
} from './engine/membership';
import { MembershipFeed } from './engine/membership-feed';
import { MembershipStore } from './engine/membership.store';
import { groupRoomId, type Member, type Room, type RoomSettings } from './engine/room';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore } from './engine/room.store';
import { RoomsService } from './rooms.service';

/** What a new room is to be. */
export interface NewRoom {
  readonly type: 'public' | 'private';
  readonly name: string;
  readonly description: string | undefined;
  readonly settings: Partial<RoomSettings>;
  /** Users to invite; unknown ones are passed over. */
  readonly memberIds: readonly string[];
}

export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}

export interface MembershipListener {
  /** Somebody was invited. */
  invited(userId: string, room: Room, from: Identity): void;
  /** Somebody was kicked or banned. */
  expelled(userId: string, roomId: string, reason: string): void;
  /** Somebody made a room, or came into one; awaited before they are answered. */
  entered(userId: string, roomId: string): Awaitable<void>;
}

type Act<T> = T extends MembershipChange ? Omit<T, 'roomId' | 'actor'> : never;

const MEMBERS = 'members';
const PUBLIC_ROOMS = 'public-rooms';

/** Rooms that are not direct: making and finding them, coming and going. Who is kept out: `ModerationService`. */
@Injectable()
export class MembershipsService {
  private readonly listeners: Partial<MembershipListener>[] = [];

  constructor(
    private readonly rooms: RoomsService,
    private readonly store: RoomStore,
    private readonly standings: MembershipStore,
    private readonly feed: MembershipFeed,
    private readonly policies: RoomPolicies,
    private readonly users: UsersService,
    private readonly cursors: Cursors,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Calls `listener` with what is for one user, wherever their sockets are. */
  subscribe(listener: Partial<MembershipListener>): void {
    this.listeners.push(listener);
  }

  /** Makes a room with its creator as admin. @throws AppError ValidationError, CapacityError */
  async create(user: Identity, { type, name, description, settings, memberIds }: NewRoom): Promise<Room> {
    this.checkSettings(settings);
    const invited = await this.users.findMany([...new Set(memberIds)].filter((id) => id !== user.userId));
    const named = Object.entries(settings).filter(([, value]) => value !== undefined);
    const draft = {
      id: groupRoomId(this.ids.id()),
      type,
      epoch: this.ids.id(),
      creator: personOf(user),
      name,
      description: description || null,
      settings: { ...this.policies.of(type).defaults, ...(Object.fromEntries(named) as Partial<RoomSettings>) },
      createdAt: this.clock.now(),
    };
    const room = await this.feed.create(draft, this.policies.memberships);
    await this.tellEntered(user.userId, room.id);
    for (const target of invited.filter(isAccount)) {
      // One who has too many invites is passed over, as one who is not known.
      await this.invite(user, room.id, target.id).catch(ignoreRefusal);
    }
    return room;
  }

  /** Public rooms, newest activity first, whose name has the query in it. @throws AppError ValidationError (cursor) */
  async listPublic(query: string, limit: number, cursor?: string): Promise<Page<Room>> {
    const after = cursor === undefined ? undefined : this.cursors.decode(PUBLIC_ROOMS, cursor);
    const { rooms, next } = await this.standings.publicRooms(query.toLowerCase(), after, limit);
    return { items: rooms, nextCursor: next === undefined ? null : this.cursors.encode(PUBLIC_ROOMS, next) };
  }

  /** Members of a room, longest-standing first. @throws AppError NotFoundError, AuthorizationError, ValidationError */
  async listMembers(user: Identity, roomId: string, limit: number, cursor?: string): Promise<Page<Membership>> {
    const room = await this.rooms.get(user, roomId);
    if (room.type === 'direct') {
      const one = { role: 'member' as const, joinedAt: room.createdAt, joinedSeq: 0 };
      return { items: room.members.map((member) => ({ ...member, ...one })), nextCursor: null };
    }
    const list = `${MEMBERS} ${roomId}`;
    const after = cursor === undefined ? undefined : this.cursors.decode(list, cursor);
    const { members, next } = await this.standings.members(roomId, after, limit);
    return { items: members, nextCursor: next === undefined ? null : this.cursors.encode(list, next) };
  }

  /** Into a public room, or with an invite. @throws AppError NotFoundError, AuthorizationError, CapacityError */
  async join(user: Identity, roomId: string): Promise<Room> {
    const { room } = await this.change(user, roomId, { kind: 'join' });
    await this.tellEntered(user.userId, roomId);
    return room;
  }

  /** Ends a membership; the last member takes the room along. @throws AppError NotFoundError, AuthorizationError */
  async leave(user: Identity, roomId: string): Promise<void> {
    await this.change(user, roomId, { kind: 'leave' });
  }

  /** Invites an account. @throws AppError NotFoundError, AuthorizationError, ConflictError, CapacityError */
  async invite(user: Identity, roomId: string, userId: string): Promise<void> {
    await this.rooms.authorize(user, roomId);
    const target = await this.users.find(userId);
    if (!target || !isAccount(target)) {
      throw new AppError('NotFoundError', 'There is no such user');
    }
    const { room, changed } = await this.change(user, roomId, { kind: 'invite', target: memberOf(target) });
    if (changed) {
      this.listeners.forEach((listener) => listener.invited?.(userId, room, user));
    }
  }

  /** Takes an invite back; none is fine. @throws AppError NotFoundError, AuthorizationError */
  async uninvite(user: Identity, roomId: string, userId: string): Promise<void> {
    await this.change(user, roomId, { kind: 'uninvite', target: { userId, username: '' } });
  }

  /** Invites of oneself, with their rooms, newest first. */
  async listInvites(user: Identity): Promise<{ invite: Invite; room: Room }[]> {
    const invites = await this.standings.invites(user.userId);
    const rooms = await Promise.all(invites.map(({ roomId }) => this.store.find(roomId)));
    return invites
      .flatMap((invite, i) => {
        const room = rooms[i];
        return room ? [{ invite, room }] : [];
      })
      .sort((a, b) => b.invite.createdAt - a.invite.createdAt);
  }

  /** Declines an invite; none is fine. */
  async decline(user: Identity, roomId: string): Promise<void> {
    await this.uninvite(user, roomId, user.userId).catch(ignoreRefusal);
  }

  /**
   * Changes name, description and settings; what is so already is no change.
   * @throws AppError ValidationError, NotFoundError, AuthorizationError
   */
  async configure(user: Identity, roomId: string, { name, description, settings }: RoomChanges): Promise<Room> {
    const room = await this.rooms.get(user, roomId);
    const { encrypted, ...others } = settings ?? {};
    if (encrypted !== undefined && encrypted !== room.settings.encrypted) {
      throw AppError.field('settings.encrypted', 'encrypted can only be set when the room is made');
    }
    this.checkSettings(others);
    const told = description === '' ? null : description;
    const changes = {
      name: name === room.name ? undefined : name,
      description: told === room.description ? undefined : told,
      settings: changedSettings(room.settings, others),
    };
    if (Object.values(changes).every((change) => change === undefined)) {
      const standing = await this.standings.standing(roomId, user.userId);
      if (standing?.role !== NEEDED_ROLE.configure) {
        throw refused('rank');
      }
      return room;
    }
    return (await this.change(user, roomId, { kind: 'configure', ...changes })).room;
  }

  /** Ends a room for everyone. @throws AppError NotFoundError, AuthorizationError */
  async close(user: Identity, roomId: string): Promise<void> {
    await this.change(user, roomId, { kind: 'close' });
  }

  /** Makes a change as somebody. @throws AppError as `MembershipFeed.change` */
  async change(user: Identity, roomId: string, act: Act<MembershipChange>): Promise<Changed> {
    const change = { roomId, actor: personOf(user), ...act } as MembershipChange;
    return this.feed.change(change, this.policies.memberships);
  }

  /** Tells a user, wherever their sockets are, that they are out. */
  tellExpelled(userId: string, roomId: string, reason: string): void {
    this.listeners.forEach((listener) => listener.expelled?.(userId, roomId, reason));
  }

  private async tellEntered(userId: string, roomId: string): Promise<void> {
    for (const listener of this.listeners) {
      await listener.entered?.(userId, roomId);
    }
  }

  private checkSettings({ maxMembers, messageTtl }: Partial<RoomSettings>): void {
    const { membersPerRoom } = this.policies.memberships;
    if (maxMembers !== undefined && maxMembers > membersPerRoom) {
      throw AppError.field('settings.maxMembers', `settings.maxMembers must be 1 to ${membersPerRoom}`);
    }
    if (messageTtl === null && !this.policies.allowHistory) {
      throw AppError.field('settings.messageTtl', 'Rooms cannot keep their history on this server');
    }
    if (messageTtl !== undefined && messageTtl !== null) {
      this.rooms.checkTtl(messageTtl, 'settings.messageTtl');
    }
  }
}

/** Those of the settings named that are others than what stands; undefined for none. */
function changedSettings(standing: RoomSettings, named: Partial<RoomSettings>): Partial<RoomSettings> | undefined {
  const known: object = standing;
  const changed = Object.entries(named).filter(
    ([name, value]) => value !== undefined && value !== Reflect.get(known, name),
  );
  return changed.length > 0 ? (Object.fromEntries(changed) as Partial<RoomSettings>) : undefined;
}

function isAccount({ kind }: UserRecord): boolean {
  return kind === 'account';
}

function memberOf({ id, username }: UserRecord): Member {
  return { userId: id, username };
}

function personOf({ userId, username }: Identity): Member {
  return { userId, username };
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof AppError)) {
    throw error;
  }
}
