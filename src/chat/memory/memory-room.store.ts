import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/clock';
import type { Message } from '../engine/message';
import type { Room } from '../engine/room';
import { type RoomLife, RoomStore, type RoomSummary, type RoomTotals, type Unread } from '../engine/room.store';
import type { MemoryRoom } from './memory-room';
import { MemoryRooms } from './memory-rooms';
import { overdueIn, unreadOf } from './unread';

@Injectable()
export class MemoryRoomStore extends RoomStore {
  constructor(
    private readonly state: MemoryRooms,
    private readonly clock: Clock,
  ) {
    super();
  }

  override find(roomId: string): Room | undefined {
    return this.state.rooms.get(roomId)?.view();
  }

  override idsOf(userId: string): string[] {
    return [...(this.state.roomsOf.get(userId) ?? [])];
  }

  override summariesOf(userId: string): RoomSummary[] {
    return this.idsOf(userId)
      .flatMap((roomId) => this.state.rooms.get(roomId) ?? [])
      .sort((a, b) => b.lastActivity - a.lastActivity)
      .map((room) => this.summary(room, userId));
  }

  override unread(roomId: string, userIds: readonly string[]): Unread | undefined {
    const room = this.state.rooms.get(roomId);
    const now = this.clock.now();
    return (
      room && {
        lastSeq: room.lastSeq,
        unreadCounts: userIds.map((userId) => unreadOf(room, this.state.records, userId, now)),
      }
    );
  }

  override life(roomId: string): RoomLife | undefined {
    const room = this.state.rooms.get(roomId);
    return (
      room && {
        position: room.position,
        lastActivity: room.lastActivity,
        lastEvent: room.lastEvent,
        messageCount: room.messageCount,
        waiting: room.waiting,
        activeUsers: room.activeUsers(),
        leftSockets: new Map([...room.leftSockets].map(([userId, sockets]) => [userId, sockets.size])),
      }
    );
  }

  override activeUsers(roomId: string): string[] {
    return this.state.rooms.get(roomId)?.activeUsers() ?? [];
  }

  override totals(): RoomTotals {
    const { rooms, messageCount: messages, occupied, participants } = this.state;
    return { rooms: rooms.size, messages, occupied, participants };
  }

  override messageBytes(): number {
    return this.state.records.bytes;
  }

  private summary(room: MemoryRoom, userId: string): RoomSummary {
    const { records } = this.state;
    const overdue = this.overdue(room, userId);
    const unreadCount = room.group
      ? (unreadOf(room, records, userId, this.clock.now()) ?? 0)
      : (room.unread[room.findPerson(userId)] ?? 0) - overdue.unread;
    return {
      room: room.view(),
      activeUsers: room.activeUsers(),
      messageCount: room.messageCount - overdue.messages,
      unreadCount,
      lastMessage: this.lastMessage(room, userId),
    };
  }

  private lastMessage(room: MemoryRoom, viewer: string): Message | undefined {
    const now = this.clock.now();
    for (const handle of room.log.descending(now)) {
      if (this.state.records.isCounted(handle) && !room.isGoneFor(handle, viewer, now)) {
        return room.read(handle, now);
      }
    }
    return undefined;
  }

  /** Messages whose deadline has come but which are not freed yet: gone for every reader. */
  private overdue(room: MemoryRoom, userId: string): { messages: number; unread: number } {
    const { records } = this.state;
    const now = this.clock.now();
    const overdue = { messages: 0, unread: 0 };
    for (const handle of overdueIn(room.due, records, now)) {
      if (records.isCounted(handle)) {
        overdue.messages++;
        const mine = room.people[records.sender(handle)]?.userId === userId;
        overdue.unread += !mine && records.statusRank(handle) < 2 ? 1 : 0;
      }
    }
    return overdue;
  }
}
