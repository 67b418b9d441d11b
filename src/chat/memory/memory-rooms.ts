import { randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { MessageRecords } from './message-records';
import type { Invite } from '../engine/membership';
import type { MemoryRoom } from './memory-room';
import { PublicRooms } from './public-rooms';
import type { Handle } from './slab';
import { countedOf } from './unread';

/** What the memory stores of the chat share: rooms, their members' lists and the records of all messages. */
@Injectable()
export class MemoryRooms {
  readonly records = new MessageRecords();
  readonly rooms = new Map<string, MemoryRoom>();
  /** Room ids by member. */
  readonly roomsOf = new Map<string, Set<string>>();
  /** Ids of the rooms that have a user on one of their lists (bans, mutes, invites). */
  readonly listedIn = new Map<string, Set<string>>();
  /** Ids of the rooms that are not direct and show something by a user, or their name. */
  readonly namedIn = new Map<string, Set<string>>();
  readonly publicRooms = new PublicRooms();
  /** Live messages of all rooms but system messages. */
  messageCount = 0;
  /** Bytes of the records in anonymous rooms. */
  anonymousBytes = 0;
  /** Rooms that somebody joined, and the sum of who joined them. */
  occupied = 0;
  participants = 0;
  /** The highest position of a room that is gone: new ones begin there, so that none repeats in a room's next life. */
  lastPosition = 0;
  private readonly seed = randomInt(2 ** 32);

  /** The user is a member of the room from now on. */
  note(userId: string, roomId: string): void {
    put(this.roomsOf, userId, roomId);
  }

  /** The user is a member of the room no more. */
  unnote(userId: string, roomId: string): void {
    take(this.roomsOf, userId, roomId);
  }

  /** Index of a user among those whom the room's records name (`MemoryRoom.personIndex`). */
  personIndex(room: MemoryRoom, userId: string, username: string): number {
    const known = room.people.length;
    const index = room.personIndex(userId, username);
    if (room.group && index === known) {
      put(this.namedIn, userId, room.id);
    }
    return index;
  }

  /** A room's lists may have got the user, or lost them. */
  relist(userId: string, { id, group }: MemoryRoom): void {
    if (group?.lists(userId)) {
      put(this.listedIn, userId, id);
    } else {
      take(this.listedIn, userId, id);
    }
  }

  /** Invites that wait for a user. */
  invitesOf(userId: string): Invite[] {
    const roomIds = [...(this.listedIn.get(userId) ?? [])];
    return roomIds.flatMap((roomId) => this.rooms.get(roomId)?.group?.invites.get(userId) ?? []);
  }

  /** Rooms that are not direct in which something may be of a user. */
  tracesOf(userId: string): string[] {
    const lists = [this.roomsOf, this.listedIn, this.namedIn].flatMap((list) => [...(list.get(userId) ?? [])]);
    return [...new Set(lists)].filter((roomId) => this.rooms.get(roomId)?.group);
  }

  /** A room that is not direct goes: it is on nobody's list any more. */
  forgetGroup({ id, group, people }: MemoryRoom): void {
    this.publicRooms.delete(id);
    for (const { userId } of group ? people : []) {
      take(this.namedIn, userId, id);
    }
    for (const userId of group?.userIds ?? []) {
      this.unnote(userId, id);
    }
    for (const userId of group?.listed() ?? []) {
      take(this.listedIn, userId, id);
    }
  }

  /** Records were written or freed in the room since there were `before` bytes of them. */
  countAnonymous(room: MemoryRoom, before: number): void {
    if (room.anonymous) {
      this.anonymousBytes += this.records.bytes - before;
    }
  }

  /** A live message comes or goes. */
  countMessage(room: MemoryRoom, handle: Handle, step: 1 | -1): void {
    room.storedCount += step;
    if (!this.records.isCounted(handle)) {
      return;
    }
    room.messageCount += step;
    this.messageCount += step;
    room.countStatus(handle, step);
    room.tally?.count(countedOf(this.records, handle), step);
  }

  /** A 52-bit hash of who sent and what they called it, never 0; keyed, so that nobody can make two collide. */
  dedupeKey(sender: number, clientId: string): number {
    let high = this.seed ^ sender;
    let low = Math.imul(this.seed, 0x9e3779b1) ^ sender;
    for (let i = 0; i < clientId.length; i++) {
      const unit = clientId.charCodeAt(i);
      high = Math.imul(high ^ unit, 0x85ebca6b);
      low = Math.imul(low ^ unit, 0xc2b2ae35);
      high ^= high >>> 13;
      low ^= low >>> 16;
    }
    return (high >>> 12) * 2 ** 32 + (low >>> 0) || 1;
  }
}

function put(sets: Map<string, Set<string>>, key: string, roomId: string): void {
  const set = sets.get(key);
  if (set) {
    set.add(roomId);
  } else {
    sets.set(key, new Set([roomId]));
  }
}

function take(sets: Map<string, Set<string>>, key: string, roomId: string): void {
  const set = sets.get(key);
  if (set?.delete(roomId) && set.size === 0) {
    sets.delete(key);
  }
}
