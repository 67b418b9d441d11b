import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { Clock } from '../common/clock';
import type { Identity } from '../common/identity';
import { UsersService } from '../users/users.service';
import { type Ban, ROOM_ROLES, refused, type RoomRole } from './engine/membership';
import { DELETED_USER } from './engine/message';
import { MembershipStore } from './engine/membership.store';
import type { Member } from './engine/room';
import { MembershipsService } from './memberships.service';
import { RoomsService } from './rooms.service';

const MINUTE_MS = 60_000;

/** Keeping people out of rooms, or quiet in them, and giving roles. Who may is checked with the change (`MembershipFeed`). */
@Injectable()
export class ModerationService {
  constructor(
    private readonly memberships: MembershipsService,
    private readonly rooms: RoomsService,
    private readonly standings: MembershipStore,
    private readonly users: UsersService,
    private readonly clock: Clock,
  ) {}

  /** Ends somebody's membership; they may join again. @throws AppError NotFoundError, AuthorizationError */
  async kick(user: Identity, roomId: string, userId: string): Promise<void> {
    await this.memberships.change(user, roomId, { kind: 'kick', target: await this.target(userId) });
    this.memberships.tellExpelled(userId, roomId, 'kicked');
  }

  /**
   * Keeps an account out, for so many minutes or for good; once more sets the ban anew.
   * @throws AppError NotFoundError, AuthorizationError, CapacityError
   */
  async ban(user: Identity, roomId: string, userId: string, reason?: string, minutes?: number): Promise<void> {
    await this.rooms.authorize(user, roomId);
    const record = await this.users.get(userId);
    const target = { userId, username: record.username };
    const until = minutes === undefined ? null : this.clock.now() + minutes * MINUTE_MS;
    await this.memberships.change(user, roomId, { kind: 'ban', target, reason: reason || undefined, until });
    this.memberships.tellExpelled(userId, roomId, reason || 'banned');
  }

  /** Lifts a ban; none is fine. @throws AppError NotFoundError, AuthorizationError */
  async unban(user: Identity, roomId: string, userId: string): Promise<void> {
    await this.memberships.change(user, roomId, { kind: 'unban', target: await this.target(userId) });
  }

  /** Bans that hold. @throws AppError NotFoundError, AuthorizationError */
  async listBans(user: Identity, roomId: string): Promise<Ban[]> {
    await this.assertRole(user, roomId, 'moderator');
    return this.standings.bans(roomId);
  }

  /** Lets a member read and not send. @throws AppError NotFoundError, AuthorizationError, CapacityError */
  async mute(user: Identity, roomId: string, userId: string, minutes: number): Promise<void> {
    const until = this.clock.now() + minutes * MINUTE_MS;
    await this.memberships.change(user, roomId, { kind: 'mute', target: await this.target(userId), until });
  }

  /** Lifts a mute; none is fine. @throws AppError NotFoundError, AuthorizationError */
  async unmute(user: Identity, roomId: string, userId: string): Promise<void> {
    await this.memberships.change(user, roomId, { kind: 'unmute', target: await this.target(userId) });
  }

  /** Gives a member another role. @throws AppError NotFoundError, AuthorizationError, ConflictError */
  async setRole(user: Identity, roomId: string, userId: string, role: RoomRole): Promise<void> {
    await this.memberships.change(user, roomId, { kind: 'role', target: await this.target(userId), role });
  }

  /** @throws AppError NotFoundError, AuthorizationError where the user's role in the room is lower */
  async assertRole(user: Identity, roomId: string, needed: RoomRole): Promise<void> {
    await this.rooms.authorize(user, roomId);
    const standing = await this.standings.standing(roomId, user.userId);
    if (standing?.role === undefined) {
      throw new AppError('NotFoundError', 'There is no such room');
    }
    if (ROOM_ROLES.indexOf(standing.role) < ROOM_ROLES.indexOf(needed)) {
      throw refused('rank');
    }
  }

  /** Somebody who may be erased by now. */
  private async target(userId: string): Promise<Member> {
    return { userId, username: (await this.users.find(userId))?.username ?? DELETED_USER };
  }
}
