import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock';
import type { Ban, Invite, MembershipPage, Standing } from '../engine/membership';
import { MAX_LOOKED_AT, MembershipStore, type PublicRooms } from '../engine/membership.store';
import type { Room } from '../engine/room';
import { MemoryRooms } from './memory-rooms';

@Injectable()
export class MemoryMembershipStore extends MembershipStore {
  constructor(
    private readonly state: MemoryRooms,
    private readonly clock: Clock,
  ) {
    super();
  }

  override standing(roomId: string, userId: string): Standing | undefined {
    return this.state.rooms.get(roomId)?.group?.standing(userId, this.clock.now());
  }

  override members(roomId: string, after: string | undefined, limit: number): MembershipPage {
    const page = this.state.rooms.get(roomId)?.group?.page(Number(after ?? 0), limit);
    return { members: page?.members ?? [], next: page?.next === undefined ? undefined : String(page.next) };
  }

  override bans(roomId: string): Ban[] {
    const group = this.state.rooms.get(roomId)?.group;
    const now = this.clock.now();
    return [...(group?.bans.values() ?? [])].filter(({ userId }) => group?.isBanned(userId, now));
  }

  override tracesOf(userId: string): string[] {
    return this.state.tracesOf(userId);
  }

  override invites(userId: string): Invite[] {
    return this.state.invitesOf(userId);
  }

  override publicRooms(query: string, after: string | undefined, limit: number): PublicRooms {
    const rooms: Room[] = [];
    let lookedAt = 0;
    let next: string | undefined;
    for (const { room, number } of this.state.publicRooms.behind(positionOf(after))) {
      if (rooms.length === limit || lookedAt === MAX_LOOKED_AT) {
        return { rooms, next };
      }
      lookedAt++;
      next = `${number} ${room.id}`;
      if (room.group?.name.toLowerCase().includes(query)) {
        rooms.push(room.view());
      }
    }
    return { rooms, next: undefined };
  }
}

function positionOf(after: string | undefined): { roomId: string; number: number } | undefined {
  if (after === undefined) {
    return undefined;
  }
  const [number = '', roomId = ''] = after.split(' ');
  return { roomId, number: Number(number) };
}
