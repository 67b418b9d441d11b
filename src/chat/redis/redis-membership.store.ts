import { Injectable } from '@nestjs/common';
import {
  type Ban,
  type Invite,
  type MembershipPage,
  ROOM_ROLES,
  type Membership,
  type Standing,
} from '../engine/membership';
import { MembershipStore, type PublicRooms } from '../engine/membership.store';
import { isDirectRoomId, type RoomType } from '../engine/room';
import { BANS, INVITE, MEMBERS, STANDING } from './group-read-scripts.lua';
import { RedisPublicRooms } from './redis-public-rooms';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { UserMarks } from './user-marks';

type StandingReply = readonly [type: RoomType, entry: string | null, banned: number, muted: number, invited: number];

@Injectable()
export class RedisMembershipStore extends MembershipStore {
  private readonly standingScript: RoomScript<StandingReply | null>;
  private readonly membersScript: RoomScript<string[]>;
  private readonly bansScript: RoomScript<string[]>;
  private readonly inviteScript: RoomScript<string | null>;

  constructor(
    rooms: RedisRooms,
    private readonly marks: UserMarks,
    private readonly listing: RedisPublicRooms,
  ) {
    super();
    this.standingScript = rooms.script(STANDING);
    this.membersScript = rooms.script(MEMBERS);
    this.bansScript = rooms.script(BANS);
    this.inviteScript = rooms.script(INVITE);
  }

  override async standing(roomId: string, userId: string): Promise<Standing | undefined> {
    const reply = await this.standingScript(roomId, userId);
    if (!reply) {
      return undefined;
    }
    const [type, entry, banned, muted, invited] = reply;
    const member = entry === null ? undefined : memberOf(userId, entry);
    return {
      type,
      role: member?.role,
      joinedSeq: member?.joinedSeq ?? 0,
      banned: banned === 1,
      muted: muted === 1,
      invited: invited === 1,
    };
  }

  override async members(roomId: string, after: string | undefined, limit: number): Promise<MembershipPage> {
    const flat = await this.membersScript(roomId, after ?? 0, limit + 1);
    const members: Membership[] = [];
    for (let i = 0; i < flat.length && members.length < limit; i += 3) {
      members.push(memberOf(flat[i] ?? '', flat[i + 2] ?? ''));
    }
    return { members, next: flat.length > limit * 3 ? flat[limit * 3 - 2] : undefined };
  }

  override async bans(roomId: string): Promise<Ban[]> {
    const flat = await this.bansScript(roomId);
    const bans: Ban[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      bans.push(banOf(flat[i] ?? '', flat[i + 1] ?? ''));
    }
    return bans;
  }

  override async tracesOf(userId: string): Promise<string[]> {
    return (await this.marks.allOf(userId)).filter((roomId) => !isDirectRoomId(roomId));
  }

  override async invites(userId: string): Promise<Invite[]> {
    const roomIds = await this.marks.invitesOf(userId);
    const entries = await Promise.all(roomIds.map((roomId) => this.inviteScript(roomId, userId)));
    return entries.flatMap((entry, i) => (entry === null ? [] : [inviteOf(roomIds[i] ?? '', entry)]));
  }

  override publicRooms(query: string, after: string | undefined, limit: number): Promise<PublicRooms> {
    return this.listing.page(query, after, limit);
  }
}

/** See `GROUPS`: `<role><joinedAt>,<joinedSeq>,<token>,<name>`. */
function memberOf(userId: string, entry: string): Membership {
  const [times = '', joinedSeq = '', , ...name] = entry.split(',');
  return {
    userId,
    username: name.join(','),
    role: ROOM_ROLES[Number(times[0])] ?? 'member',
    joinedAt: Number(times.slice(1)),
    joinedSeq: Number(joinedSeq),
  };
}

/** `<until>,<token>,<JSON>`. */
function banOf(userId: string, entry: string): Ban {
  const [until = '', , ...json] = entry.split(',');
  const { by, reason, username, at } = JSON.parse(json.join(',')) as {
    by: string;
    reason?: string;
    username: string;
    at: number;
  };
  return { userId, username, reason, by, createdAt: at, until: until === '0' ? null : Number(until) };
}

/** `<token>,<JSON>`. */
function inviteOf(roomId: string, entry: string): Invite {
  const { by, at } = JSON.parse(entry.slice(entry.indexOf(',') + 1)) as { by: string; at: number };
  return { roomId, by, createdAt: at };
}
