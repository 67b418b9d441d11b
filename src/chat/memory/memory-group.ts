import { Watermarks } from './watermarks';
import {
  type Ban,
  type GroupDraft,
  type Invite,
  MAX_LISTED,
  type Membership,
  outsider,
  refused,
  ROOM_ROLES,
  type RoomRole,
  type Standing,
  tooSoon,
} from '../engine/membership';
import type { Member, RoomType } from '../engine/room';

interface Entry extends Membership {
  /** Counts joins: where a page of members goes on. */
  readonly number: number;
}

/** Who is in a room that is not direct, and who may not be. Only the memory stores see it. */
export class MemoryGroup {
  readonly creatorId: string;
  readonly type: RoomType;
  name: string;
  description: string | null;
  readonly bans = new Map<string, Ban>();
  readonly invites = new Map<string, Invite>();
  /** Until when users may not send, epoch ms. */
  readonly mutes = new Map<string, number>();
  /** Longest-standing first. */
  private readonly members = new Map<string, Entry>();
  /** When members last sent while there was a slow mode, epoch ms, oldest first. */
  private readonly lastSent = new Map<string, number>();
  private joins = 0;
  /** How far the members have come. */
  readonly marks = new Watermarks();

  constructor({ creator, name, description, type, createdAt }: GroupDraft) {
    this.creatorId = creator.userId;
    this.type = type;
    this.name = name;
    this.description = description;
    this.add(creator, 'admin', createdAt, 0);
  }

  get size(): number {
    return this.members.size;
  }

  get userIds(): Iterable<string> {
    return this.members.keys();
  }

  member(userId: string): Membership | undefined {
    return this.members.get(userId);
  }

  /** Ids of moderators and admins. */
  moderators(): string[] {
    return [...this.members.values()].flatMap(({ userId, role }) => (ranks(role, 'moderator') ? userId : []));
  }

  add(user: Member, role: RoomRole, joinedAt: number, joinedSeq: number): void {
    const { userId, username } = user;
    const entry = { userId, username, role, joinedAt, joinedSeq, number: ++this.joins };
    this.members.set(userId, Object.freeze(entry));
    this.marks.add(userId, joinedSeq);
  }

  remove(userId: string): boolean {
    this.marks.remove(userId);
    return this.members.delete(userId);
  }

  setRole(userId: string, role: RoomRole): void {
    const member = this.members.get(userId);
    if (member) {
      this.members.set(userId, Object.freeze({ ...member, role }));
    }
  }

  /** Whether the user is an admin and there is no other. */
  isLastAdmin(userId: string): boolean {
    if (this.members.get(userId)?.role !== 'admin') {
      return false;
    }
    for (const { role, userId: other } of this.members.values()) {
      if (role === 'admin' && other !== userId) {
        return false;
      }
    }
    return true;
  }

  /** Who becomes admin when the last one leaves: the longest-standing moderator, else member; undefined: nobody is left. */
  heir(leaving: string): Membership | undefined {
    let first: Membership | undefined;
    for (const member of this.members.values()) {
      if (member.userId === leaving) {
        continue;
      }
      if (member.role === 'moderator') {
        return member;
      }
      first ??= member;
    }
    return first;
  }

  /** At most `limit` members behind the one with this number. */
  page(after: number, limit: number): { members: Membership[]; next: number | undefined } {
    const members: Membership[] = [];
    let last = 0;
    for (const { number, ...member } of this.members.values()) {
      if (number <= after) {
        continue;
      }
      if (members.length === limit) {
        return { members, next: last };
      }
      members.push(member);
      last = number;
    }
    return { members, next: undefined };
  }

  standing(userId: string, now: number): Standing {
    const member = this.members.get(userId);
    return {
      type: this.type,
      role: member?.role,
      joinedSeq: member?.joinedSeq ?? 0,
      banned: this.isBanned(userId, now),
      muted: this.isMuted(userId, now),
      invited: this.invites.has(userId),
    };
  }

  isBanned(userId: string, now: number): boolean {
    return holds(this.bans.get(userId)?.until, now);
  }

  isMuted(userId: string, now: number): boolean {
    return holds(this.mutes.get(userId), now);
  }

  /** Whether the user is on one of the lists. */
  lists(userId: string): boolean {
    return this.bans.has(userId) || this.mutes.has(userId) || this.invites.has(userId);
  }

  /** Everyone who is on one of the lists. */
  *listed(): Generator<string> {
    yield* this.bans.keys();
    yield* this.mutes.keys();
    yield* this.invites.keys();
  }

  ban(ban: Ban, now: number): void {
    makeRoom(this.bans, ban.userId, ({ until }) => holds(until, now));
    this.bans.set(ban.userId, Object.freeze(ban));
  }

  /** A user is on none of the lists any more, and what they wrote of others is gone. */
  forget(userId: string): void {
    this.bans.delete(userId);
    this.mutes.delete(userId);
    this.invites.delete(userId);
    for (const [banned, ban] of this.bans) {
      if (ban.by === userId) {
        this.bans.set(banned, Object.freeze({ ...ban, reason: undefined }));
      }
    }
  }

  mute(userId: string, until: number, now: number): void {
    makeRoom(this.mutes, userId, (end) => holds(end, now));
    this.mutes.set(userId, until);
  }

  invite(userId: string, invite: Invite): void {
    makeRoom(this.invites, userId, () => true);
    this.invites.set(userId, Object.freeze(invite));
  }

  /** @throws AppError NotFoundError, AuthorizationError where the user is no member */
  assertMember(userId: string, now: number): void {
    if (!this.members.has(userId)) {
      throw refused(outsider(this.type, this.isBanned(userId, now)));
    }
  }

  /** Counts a send of a member, where they may. @throws AppError AuthorizationError, RateLimitError */
  admit(userId: string, slowModeSeconds: number, now: number): void {
    if (this.isMuted(userId, now)) {
      throw refused('muted');
    }
    if (slowModeSeconds === 0 || this.members.get(userId)?.role !== 'member') {
      return;
    }
    const pause = slowModeSeconds * 1000;
    const wait = (this.lastSent.get(userId) ?? -Infinity) + pause - now;
    if (wait > 0) {
      throw tooSoon(wait);
    }
    this.lastSent.delete(userId);
    this.lastSent.set(userId, now);
    for (const [sender, at] of this.lastSent) {
      if (at + pause > now) {
        break;
      }
      this.lastSent.delete(sender);
    }
  }
}

/** Whether a role is enough where another is needed. */
export function ranks(role: RoomRole | undefined, needed: RoomRole): boolean {
  return role !== undefined && ROOM_ROLES.indexOf(role) >= ROOM_ROLES.indexOf(needed);
}

/** Until a time (null: for good; undefined: not at all). */
function holds(until: number | null | undefined, now: number): boolean {
  return until === null || (until !== undefined && until > now);
}

/** Drops what no longer holds from a list that is full. @throws AppError CapacityError where all of it does */
function makeRoom<T>(list: Map<string, T>, userId: string, stillHolds: (entry: T) => boolean): void {
  if (list.has(userId) || list.size < MAX_LISTED) {
    return;
  }
  for (const [listed, entry] of list) {
    if (!stillHolds(entry)) {
      list.delete(listed);
    }
  }
  if (list.size >= MAX_LISTED) {
    throw refused('listed');
  }
}
