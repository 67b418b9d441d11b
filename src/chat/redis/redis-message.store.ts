import { Injectable } from '@nestjs/common';
import type { Message } from '../engine/message';
import type { Report } from '../engine/report';
import {
  type MemberReceipt,
  MessageStore,
  type PageLimits,
  type ResumePoint,
  type Snapshot,
} from '../engine/message.store';
import { decodeMessage, decodeRoom, type RawView } from './codec';
import { RedisReports } from './redis-reports';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RoomDeadlines } from './room-deadlines';
import { FIND, FIND_SHOWING, PAGE, REVEALED, SNAPSHOT } from './room-read-scripts.lua';
import { RECEIPTS_OF } from './watermark-scripts.lua';

type PageReply = readonly [values: string[], more: number];
type SnapshotReply = readonly [
  view: RawView,
  here: string[],
  gap: number,
  values: string[],
  more: number,
  ranges: number[],
  changed: string[],
  index: string | null,
  at: number,
  marks: [delivered: number, seen: number] | null,
];

@Injectable()
export class RedisMessageStore extends MessageStore {
  private readonly findScript: RoomScript<string | null>;
  private readonly findShowingScript: RoomScript<string | null>;
  private readonly receiptsScript: RoomScript<readonly string[] | null>;
  private readonly revealedScript: RoomScript<number>;
  private readonly pageScript: RoomScript<PageReply>;
  private readonly snapshotScript: RoomScript<SnapshotReply | null>;

  constructor(
    rooms: RedisRooms,
    private readonly deadlines: RoomDeadlines,
    private readonly reported: RedisReports,
  ) {
    super();
    this.findScript = rooms.script(FIND);
    this.findShowingScript = rooms.script(FIND_SHOWING);
    this.receiptsScript = rooms.script(RECEIPTS_OF);
    this.revealedScript = rooms.script(REVEALED);
    this.pageScript = rooms.script(PAGE);
    this.snapshotScript = rooms.script(SNAPSHOT);
  }

  override async find(roomId: string, viewer: string, messageId: string): Promise<Message | undefined> {
    const value = await this.findScript(roomId, viewer, messageId);
    return value === null ? undefined : decodeMessage(roomId, value);
  }

  override async findShowing(roomId: string, viewer: string, holder: string): Promise<Message | undefined> {
    const value = await this.findShowingScript(roomId, viewer, holder);
    return value === null ? undefined : decodeMessage(roomId, value);
  }

  override async receipts(
    roomId: string,
    userId: string,
    messageId: string,
  ): Promise<readonly MemberReceipt[] | 'foreign' | undefined> {
    const reply = await this.receiptsScript(roomId, userId, messageId);
    if (reply?.[0] !== 'receipts') {
      return reply ? 'foreign' : undefined;
    }
    const receipts: MemberReceipt[] = [];
    for (let i = 1; i < reply.length; i += 3) {
      const [recipient = '', deliveredAt = '', seenAt = ''] = reply.slice(i, i + 3);
      receipts.push({ userId: recipient, deliveredAt: timeOf(deliveredAt), seenAt: timeOf(seenAt) });
    }
    return receipts;
  }

  override reports(roomId: string): Promise<Report[]> {
    return this.reported.list(roomId);
  }

  override async isRevealed(roomId: string, userId: string, messageId: string): Promise<boolean> {
    return (await this.revealedScript(roomId, userId, messageId)) === 1;
  }

  override async page(
    roomId: string,
    viewer: string,
    before: number | undefined,
    limits: PageLimits,
  ): Promise<{ messages: Message[]; more: boolean }> {
    const [values, more] = await this.pageScript(roomId, viewer, before ?? '', limits.count, limits.bytes);
    return { messages: messagesOf(roomId, values).reverse(), more: more === 1 };
  }

  override async snapshot(
    roomId: string,
    viewer: string,
    from: ResumePoint | undefined,
    limits: PageLimits,
  ): Promise<Snapshot | undefined> {
    const { since = '', epoch = '', sinceTime = '' } = from ?? {};
    const reply = await this.snapshotScript(roomId, viewer, since, epoch, sinceTime, limits.count, limits.bytes);
    if (!reply) {
      return undefined;
    }
    const [view, activeUsers, gap, values, more, ranges, changed, index, at, marks] = reply;
    const room = decodeRoom(view);
    await this.deadlines.index(roomId, room.epoch, index);
    const resumed = from !== undefined && gap === 0;
    const messages = messagesOf(roomId, values);
    const last = resumed && more === 1 ? messages.at(-1) : undefined;
    return {
      room,
      messages: resumed ? messages : messages.reverse(),
      live: ranges.flatMap((first, i) => (i % 2 === 0 ? [[first, ranges[i + 1] ?? first] as [number, number]] : [])),
      changed: messagesOf(roomId, changed).sort((a, b) => a.seq - b.seq),
      more: more === 1,
      gap: gap === 1,
      lastSeq: last?.seq ?? room.lastSeq,
      activeUsers,
      at,
      watermarks: marks ? { delivered: marks[0], seen: marks[1] } : undefined,
    };
  }
}

function messagesOf(roomId: string, values: readonly string[]): Message[] {
  return values.map((value) => decodeMessage(roomId, value));
}

function timeOf(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}
