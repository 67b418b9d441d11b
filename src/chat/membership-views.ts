import { Injectable } from '@nestjs/common';
import { isoTime } from '../common/clock';
import { ProfilesService } from '../users/profiles.service';
import { UsersService } from '../users/users.service';
import type { RoomAnswerDto } from './dto/chat-answers.dto';
import type { BanDto, PresentMemberDto, RoomInviteDto } from './dto/room-answers.dto';
import type { ReportDto } from './dto/report.dto';
import type { Ban, Invite, Membership } from './engine/membership';
import type { Report } from './engine/report';
import type { Room } from './engine/room';
import { RoomsService } from './rooms.service';
import { roomView } from './view';

/** Rooms, members and invites as clients see them, with what is known of the people. */
@Injectable()
export class MembershipViews {
  constructor(
    private readonly rooms: RoomsService,
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
  ) {}

  /** The answer about one room. */
  async answer(room: Room): Promise<RoomAnswerDto> {
    return { room: roomView(room, await this.rooms.firstMembers(room)) };
  }

  async members(members: readonly Membership[]): Promise<PresentMemberDto[]> {
    const people = await this.people(members.map(({ userId }) => userId));
    return members.map(({ userId, username, role, joinedAt }) => {
      const person = people.get(userId);
      return {
        userId,
        username: person?.username ?? username,
        ...(person?.avatarUrl !== undefined && { avatarUrl: person.avatarUrl }),
        role,
        joinedAt: isoTime(joinedAt),
        isOnline: person?.isOnline ?? false,
        lastSeen: person?.lastSeen ?? isoTime(joinedAt),
      };
    });
  }

  /** Those of people who are not erased. */
  async invites(invites: readonly { invite: Invite; room: Room }[]): Promise<RoomInviteDto[]> {
    const people = await this.people(invites.map(({ invite }) => invite.by));
    return invites.flatMap(({ invite, room }) => {
      const from = people.get(invite.by);
      return from ? [{ room: roomView(room), from, createdAt: isoTime(invite.createdAt) }] : [];
    });
  }

  private async people(userIds: readonly string[]): Promise<Map<string, RoomInviteDto['from']>> {
    const records = await this.users.findMany([...new Set(userIds)]);
    return new Map((await this.profiles.toPublic(records)).map((person) => [person.id, person]));
  }
}

export function banView({ userId, username, reason, by, createdAt, until }: Ban): BanDto {
  return {
    userId,
    username,
    ...(reason !== undefined && { reason }),
    bannedBy: by,
    createdAt: isoTime(createdAt),
    until: until === null ? null : isoTime(until),
  };
}

export function reportView({ id, messageId, reporterId, reason, createdAt }: Report): ReportDto {
  return { id, messageId, reporterId, reason, createdAt: isoTime(createdAt) };
}
