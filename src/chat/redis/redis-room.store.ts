import { Injectable } from '@nestjs/common';
import type { Room } from '../engine/room';
import { type RoomLife, RoomStore, type RoomSummary, type RoomTotals, type Unread } from '../engine/room.store';
import { decodeMessage, decodeRoom, type RawView } from './codec';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';
import { RoomLists } from './room-lists';
import { LIFE, VIEW } from './room-read-scripts.lua';
import { SUMMARY, UNREAD } from './summary-scripts.lua';

type LifeReply = readonly [
  position: string,
  lastActivity: string,
  lastEvent: string,
  messages: number,
  waiting: number,
  here: string[],
  left: string[],
];
type SummaryReply = readonly [view: RawView, here: string[], messages: number, unread: number, last: string | null];

@Injectable()
export class RedisRoomStore extends RoomStore {
  private readonly viewScript: RoomScript<RawView | null>;
  private readonly lifeScript: RoomScript<LifeReply | null>;
  private readonly unreadScript: RoomScript<readonly [lastSeq: string, ...counts: (number | null)[]] | null>;
  private readonly summaryScript: RoomScript<SummaryReply | null>;

  constructor(
    rooms: RedisRooms,
    private readonly lists: RoomLists,
    private readonly roomTotals: RedisRoomTotals,
  ) {
    super();
    this.viewScript = rooms.script(VIEW);
    this.lifeScript = rooms.script(LIFE);
    this.unreadScript = rooms.script(UNREAD);
    this.summaryScript = rooms.script(SUMMARY);
  }

  override async find(roomId: string): Promise<Room | undefined> {
    const view = await this.viewScript(roomId);
    return view ? decodeRoom(view) : undefined;
  }

  /** One of them may not stand, for a moment or because its node was killed. */
  override idsOf(userId: string): Promise<string[]> {
    return this.lists.of(userId);
  }

  override async summariesOf(userId: string): Promise<RoomSummary[]> {
    const roomIds = await this.idsOf(userId);
    const summaries = await Promise.all(roomIds.map((roomId) => this.summary(roomId, userId)));
    return summaries.flatMap((summary) => summary ?? []).sort((a, b) => b.room.lastActivity - a.room.lastActivity);
  }

  override async unread(roomId: string, userIds: readonly string[]): Promise<Unread | undefined> {
    const reply = await this.unreadScript(roomId, ...userIds);
    if (!reply) {
      return undefined;
    }
    const [lastSeq, ...counts] = reply;
    return { lastSeq: Number(lastSeq), unreadCounts: counts.map((count) => count ?? undefined) };
  }

  override async life(roomId: string): Promise<RoomLife | undefined> {
    const reply = await this.lifeScript(roomId);
    if (!reply) {
      return undefined;
    }
    const [position, lastActivity, lastEvent, messageCount, waiting, activeUsers, left] = reply;
    const leftSockets = new Map<string, number>();
    for (let i = 0; i < left.length; i += 2) {
      leftSockets.set(left[i] ?? '', (left[i + 1] ?? '').split(' ').length);
    }
    return {
      position: Number(position),
      lastActivity: Number(lastActivity),
      lastEvent: Number(lastEvent),
      messageCount,
      waiting,
      activeUsers,
      leftSockets,
    };
  }

  override async activeUsers(roomId: string): Promise<string[]> {
    return [...((await this.life(roomId))?.activeUsers ?? [])];
  }

  override totals(): Promise<RoomTotals> {
    return this.roomTotals.read();
  }

  /** As far as this node knows. */
  override messageBytes(): number {
    return this.roomTotals.bytes;
  }

  private async summary(roomId: string, userId: string): Promise<RoomSummary | undefined> {
    const reply = await this.summaryScript(roomId, userId);
    if (!reply) {
      return undefined;
    }
    const [view, activeUsers, messageCount, unreadCount, last] = reply;
    const lastMessage = last === null ? undefined : decodeMessage(roomId, last);
    return { room: decodeRoom(view), activeUsers, messageCount, unreadCount, lastMessage };
  }
}
