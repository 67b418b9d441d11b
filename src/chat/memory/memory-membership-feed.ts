import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock';
import {
  type Changed,
  createdNote,
  type GroupDraft,
  MAX_INVITES_PER_USER,
  type MembershipChange,
  type Note,
  notesOf,
  outsider,
  refused,
  type RoomChanges,
  roleNote,
} from '../engine/membership';
import { MembershipFeed, type MembershipLimits } from '../engine/membership-feed';
import type { Member, Room } from '../engine/room';
import { RoomFeed } from '../engine/room-feed';
import { assertMay } from './membership-rights';
import { MemoryGroup } from './memory-group';
import { MemoryRoom } from './memory-room';
import type { MemoryRoomFeed } from './memory-room-feed';
import { MemoryRooms } from './memory-rooms';

type GroupRoom = MemoryRoom & { readonly group: MemoryGroup };
type Targeted = Extract<MembershipChange, { target: Member }>;

@Injectable()
export class MemoryMembershipFeed extends MembershipFeed {
  constructor(
    private readonly state: MemoryRooms,
    // The memory driver of one port beside that of another: both answer at once.
    @Inject(RoomFeed) private readonly feed: MemoryRoomFeed,
    private readonly clock: Clock,
  ) {
    super();
  }

  override create(draft: GroupDraft, limits: MembershipLimits): Room {
    const { creator } = draft;
    this.assertMayHaveOneMore(creator.userId, limits);
    const members: Member[] = [];
    const group = new MemoryGroup(draft);
    const room = new MemoryRoom({ ...draft, members, openedBy: creator.userId }, this.state.records, group);
    this.feed.stand(room);
    this.state.note(creator.userId, room.id);
    this.state.publicRooms.set(room);
    this.feed.hub.publish(room, { kind: 'opened', room: room.view(), openedBy: creator.userId });
    this.post(room, creator, [createdNote(draft)], limits);
    return room.view();
  }

  override change(change: MembershipChange, limits: MembershipLimits): Changed {
    const room = this.state.rooms.get(change.roomId);
    if (!isGroup(room)) {
      throw refused('gone');
    }
    const heir = change.kind === 'leave' ? heirOf(room, change.actor.userId) : undefined;
    const changed = this.apply(room, change, limits);
    const closed = !this.state.rooms.has(room.id);
    if ('target' in change) {
      this.state.relist(change.target.userId, room);
    }
    if (changed && !closed) {
      this.publish(room, change, limits);
      this.handOver(room, heir, limits);
    }
    return { room: room.view(), changed, closed };
  }

  override forgetUser({ userId }: { userId: string }, limits: MembershipLimits): string[] {
    const left: string[] = [];
    for (const roomId of this.state.tracesOf(userId)) {
      const room = this.state.rooms.get(roomId);
      if (isGroup(room)) {
        room.forgetName(userId);
        room.reports?.forgetUser(userId);
        room.group.forget(userId);
        if (room.hasMember(userId) && this.forgetMember(room, userId, limits)) {
          left.push(roomId);
        }
      }
    }
    this.state.listedIn.delete(userId);
    this.state.namedIn.delete(userId);
    return left;
  }

  /** True where the room still stands. */
  private forgetMember(room: GroupRoom, userId: string, limits: MembershipLimits): boolean {
    const heir = heirOf(room, userId);
    this.leave(room, userId);
    const stands = this.state.rooms.has(room.id);
    if (stands) {
      this.tell(room, userId);
      this.handOver(room, heir, limits);
    }
    return stands;
  }

  /** True where something is another way than before. */
  private apply(room: GroupRoom, change: MembershipChange, limits: MembershipLimits): boolean {
    if (change.kind === 'join') {
      return this.join(room, change.actor, limits);
    }
    assertMay(room.group, change, this.clock.now());
    if ('target' in change) {
      return this.applyTo(room, change);
    }
    if (change.kind === 'configure') {
      return this.configure(room, change, limits);
    }
    if (change.kind === 'close') {
      return this.feed.close(room.id, 'deleted');
    }
    this.leave(room, change.actor.userId);
    return true;
  }

  private applyTo(room: GroupRoom, change: Targeted): boolean {
    const { group } = room;
    const now = this.clock.now();
    const { userId } = change.target;
    switch (change.kind) {
      case 'invite':
        return this.invite(room, change.target, change.actor.userId, now);
      case 'uninvite':
        return group.invites.delete(userId);
      case 'kick':
        this.end(room, userId);
        return true;
      case 'ban': {
        const { reason, until, target } = change;
        const before = group.isBanned(userId, now);
        group.ban({ ...target, reason, until, by: change.actor.userId, createdAt: now }, now);
        group.invites.delete(userId);
        this.end(room, userId);
        return !before;
      }
      case 'unban': {
        const before = group.isBanned(userId, now);
        group.bans.delete(userId);
        return before;
      }
      case 'mute': {
        const before = group.isMuted(userId, now);
        group.mute(userId, change.until, now);
        return !before;
      }
      case 'unmute': {
        const before = group.isMuted(userId, now);
        group.mutes.delete(userId);
        return before;
      }
      case 'role': {
        const before = group.member(userId)?.role;
        group.setRole(userId, change.role);
        return before !== change.role;
      }
    }
  }

  private configure(room: GroupRoom, changes: RoomChanges, { messages }: MembershipLimits): true {
    const { group } = room;
    const { name = group.name, description = group.description, settings = {} } = changes;
    const kept = room.settings.messageTtl === null;
    group.name = name;
    group.description = description;
    room.configure(settings);
    room.lastActivity = this.clock.now();
    if (kept && room.settings.messageTtl !== null) {
      const lifetime = Math.min(room.settings.messageTtl * 1000, messages.maxLifetimeMs);
      this.feed.deadlines.startEndingHistory(room, room.lastActivity + lifetime);
    }
    return true;
  }

  private join(room: GroupRoom, user: Member, limits: MembershipLimits): boolean {
    const { group } = room;
    const now = this.clock.now();
    if (group.member(user.userId)) {
      return false;
    }
    if (group.isBanned(user.userId, now)) {
      throw refused(outsider(group.type, true));
    }
    if (group.type !== 'public' && !group.invites.has(user.userId)) {
      throw refused('uninvited');
    }
    if (group.size >= Math.min(room.settings.maxMembers, limits.membersPerRoom)) {
      throw refused('full');
    }
    this.assertMayHaveOneMore(user.userId, limits);
    group.invites.delete(user.userId);
    this.state.relist(user.userId, room);
    group.add(user, 'member', now, room.lastSeq);
    this.state.note(user.userId, room.id);
    return true;
  }

  private leave(room: GroupRoom, userId: string): void {
    this.end(room, userId);
    if (room.group.size === 0) {
      this.feed.close(room.id, 'deleted');
    }
  }

  private handOver(room: GroupRoom, heir: Member | undefined, limits: MembershipLimits): void {
    if (heir) {
      room.group.setRole(heir.userId, 'admin');
      this.post(room, heir, [roleNote(heir, 'admin')], limits);
    }
  }

  private end(room: GroupRoom, userId: string): void {
    const before = room.group.marks.lows();
    if (room.group.remove(userId)) {
      this.feed.receipts.left(room, userId, before);
      this.state.unnote(userId, room.id);
      room.forgetKey(userId);
    }
  }

  private invite(room: GroupRoom, { userId }: Member, by: string, now: number): boolean {
    const { group } = room;
    if (group.member(userId)) {
      throw refused('present');
    }
    if (group.isBanned(userId, now)) {
      throw refused('barred');
    }
    if (group.invites.has(userId)) {
      return false;
    }
    if (this.state.invitesOf(userId).length >= MAX_INVITES_PER_USER) {
      throw refused('invites');
    }
    group.invite(userId, { roomId: room.id, by, createdAt: now });
    return true;
  }

  private publish(room: GroupRoom, change: MembershipChange, limits: MembershipLimits): void {
    if (change.kind === 'configure') {
      this.feed.hub.publish(room, { kind: 'updated', room: room.view() });
    } else if (change.kind !== 'invite' && change.kind !== 'uninvite') {
      const { userId } = 'target' in change ? change.target : change.actor;
      this.tell(room, userId);
    }
    this.post(room, change.actor, notesOf(change), limits);
  }

  private tell(room: GroupRoom, userId: string): void {
    const member = room.group.member(userId) !== undefined;
    this.feed.hub.publish(room, { kind: 'members', userId, member, room: room.view() });
    if (!member) {
      this.feed.occupancy.expel(room, userId);
    }
  }

  private post(room: MemoryRoom, actor: Member, notes: readonly Note[], limits: MembershipLimits): void {
    for (const note of notes) {
      this.feed.timeline.post(room, actor, note, limits.messages);
    }
    this.state.publicRooms.touch(room);
    this.feed.tellErasedImages();
  }

  private assertMayHaveOneMore(userId: string, { roomsPerUser }: MembershipLimits): void {
    if ((this.state.roomsOf.get(userId)?.size ?? 0) >= roomsPerUser) {
      throw refused('rooms');
    }
  }
}

function heirOf({ group }: GroupRoom, leaving: string): Member | undefined {
  return group.isLastAdmin(leaving) ? group.heir(leaving) : undefined;
}

function isGroup(room: MemoryRoom | undefined): room is GroupRoom {
  return room?.group !== undefined;
}
