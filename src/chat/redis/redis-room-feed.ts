import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import type { MessageDraft } from '../engine/message';
import type { Reported, ReportRequest } from '../engine/report';
import type { CloseReason, Room, RoomDraft, RoomSettings } from '../engine/room';
import type { Deleted, Edited, EditRequest, DeleteRequest, Reacted, ReactionRequest } from '../engine/message-change';
import type { RoomListener } from '../engine/room-event';
import {
  type Appended,
  type AppendLimits,
  type Claim,
  type Claimed,
  type Countdown,
  type ErasedImage,
  type Occupant,
  type Receipt,
  type Revealed,
  type RevealRequest,
  RoomFeed,
  type Swept,
} from '../engine/room-feed';
import { decodeMessage, decodeRemembered, decodeRoom, type RawView } from './codec';
import { FeedFollower } from './feed-follower';
import { RedisPublicRooms } from './redis-public-rooms';
import { RedisAppends } from './redis-appends';
import { RedisChanges } from './redis-changes';
import { RedisOccupancy } from './redis-occupancy';
import { RedisReceipts } from './redis-receipts';
import { RedisReports } from './redis-reports';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';
import { RoomDeadlines } from './room-deadlines';
import { RoomLists } from './room-lists';
import { UserMarks } from './user-marks';
import { CLOSE, CONFIGURE, OPEN, SET_KEY, SWEEP } from './room-scripts.lua';

type SweepReply = readonly [
  erased: number,
  waiting: number,
  next: string | null,
  bytes: number,
  system: number,
  images: string[],
];
export type CloseReply = readonly [
  epoch: string,
  indexed: string | null,
  now: number,
  messages: number,
  bytes: number,
  participants: number,
  members: string[],
  marks: string[],
  images: string[],
];

/**
 * The feed of many nodes: each change is one script in the room's slot, which publishes it as well. What stands in other
 * slots (lists of rooms, totals, the expiry queue) is brought up to date around it, in an order that a kill in between
 * does not hurt.
 */
@Injectable()
export class RedisRoomFeed extends RoomFeed {
  private readonly openScript: RoomScript<[opened: number, view: RawView]>;
  private readonly configureScript: RoomScript<RawView | null>;
  private readonly keyScript: RoomScript<null>;
  private readonly sweepScript: RoomScript<SweepReply | null>;
  private readonly closeScript: RoomScript<CloseReply | null>;

  constructor(
    rooms: RedisRooms,
    private readonly lists: RoomLists,
    private readonly marks: UserMarks,
    private readonly listing: RedisPublicRooms,
    private readonly occupancy: RedisOccupancy,
    private readonly totals: RedisRoomTotals,
    private readonly deadlines: RoomDeadlines,
    private readonly follower: FeedFollower,
    private readonly appends: RedisAppends,
    private readonly receipts: RedisReceipts,
    private readonly changes: RedisChanges,
    private readonly reports: RedisReports,
  ) {
    super();
    this.openScript = rooms.script(OPEN);
    this.configureScript = rooms.script(CONFIGURE);
    this.keyScript = rooms.script(SET_KEY);
    this.sweepScript = rooms.script(SWEEP);
    this.closeScript = rooms.script(CLOSE);
  }

  override subscribe(listener: RoomListener): void {
    this.follower.subscribe(listener);
  }

  override onMissed(listener: (roomId: string) => void): void {
    this.follower.onMissed(listener);
  }

  override follow(userId: string): Promise<void> {
    return this.follower.follow(userId);
  }

  override unfollow(userId: string): void {
    this.follower.unfollow(userId);
  }

  override followRoom(roomId: string): Promise<void> {
    return this.follower.followRoom(roomId);
  }

  override unfollowRoom(roomId: string): void {
    this.follower.unfollowRoom(roomId);
  }

  override async open(draft: RoomDraft, roomsPerUser: number): Promise<{ room: Room; opened: boolean }> {
    if (!(await this.lists.add(draft, roomsPerUser))) {
      throw new AppError('CapacityError', 'One of you is in too many rooms');
    }
    const { id, epoch, type, members, settings, createdAt, openedBy } = draft;
    const ttl = settings.messageTtl ?? '';
    const about = [epoch, type, JSON.stringify(members), JSON.stringify(settings), ttl, createdAt, openedBy];
    const [opened, view] = await this.openScript(id, ...about);
    const room = decodeRoom(view);
    if (opened === 1) {
      this.totals.change({ rooms: 1 });
      await this.lists.confirm(draft);
    } else {
      const userIds = members.map(({ userId }) => userId);
      await this.lists.replace(userIds, id, epoch, room.epoch);
    }
    return { room, opened: opened === 1 };
  }

  override async append(draft: MessageDraft, limits: AppendLimits): Promise<Appended | undefined> {
    const { roomId, type } = draft;
    const reply = await this.appends.append(draft, limits);
    if (!reply) {
      return undefined;
    }
    const [, value, index, epoch, bytes] = reply;
    if (reply[0] === 'new') {
      this.totals.changeBytes(roomId, bytes);
      this.totals.change({ messages: type === 'system' ? 0 : 1 });
    }
    if (reply[0] === 'new' && reply[6] > 0) {
      this.totals.change({ messages: -reply[6] });
      await this.tellImages(reply[7]);
    }
    if (reply[0] === 'new' && reply[5] === 'public') {
      this.listing.touch(roomId, decodeMessage(roomId, reply[1]).createdAt);
    }
    // Before the ack: what is acked is told when it expires, whoever is killed.
    await this.deadlines.index(roomId, epoch, index);
    if (reply[0] === 'again') {
      return {
        message: value === null ? decodeRemembered(draft, reply[5]) : decodeMessage(roomId, value),
        duplicate: true,
      };
    }
    return { message: decodeMessage(roomId, reply[1]), duplicate: false };
  }

  override raise(receipt: Receipt): Promise<{ waiting: number } | undefined> {
    return this.receipts.raise(receipt);
  }

  override reveal(request: RevealRequest): Promise<Revealed | undefined> {
    return this.receipts.reveal(request);
  }

  override burn(roomId: string, messageId: string, delayMs: number): Promise<Countdown | undefined> {
    return this.receipts.burn(roomId, messageId, delayMs);
  }

  override end(roomId: string, messageId: string): Promise<boolean> {
    return this.receipts.end(roomId, messageId);
  }

  override edit(request: EditRequest, totalBytes: number): Promise<Edited | undefined> {
    return this.changes.edit(request, totalBytes);
  }

  override async delete(change: DeleteRequest): Promise<Deleted | undefined> {
    const { deleted, images } = await this.changes.delete(change);
    await this.tellErased(images.map(erasedImage));
    return deleted;
  }

  override react(request: ReactionRequest): Promise<Reacted | undefined> {
    return this.changes.react(request);
  }

  override report(request: ReportRequest): Promise<Reported | undefined> {
    return this.reports.report(request);
  }

  override async configure(roomId: string, settings: Partial<RoomSettings>): Promise<Room | undefined> {
    const { messageTtl } = settings;
    const ttlNamed = messageTtl === undefined ? 0 : 1;
    const view = await this.configureScript(roomId, JSON.stringify(settings), messageTtl ?? '', ttlNamed);
    return view ? decodeRoom(view) : undefined;
  }

  override async setPublicKey(roomId: string, userId: string, publicKey: string): Promise<void> {
    await this.keyScript(roomId, userId, publicKey);
  }

  override enter(occupant: Occupant): Promise<void> {
    return this.occupancy.enter(occupant);
  }

  override claim(claim: Claim): Promise<Claimed | undefined> {
    return this.occupancy.claim(claim);
  }

  override leave(occupant: Occupant): Promise<void> {
    return this.occupancy.leave(occupant);
  }

  override forget(occupant: Occupant): Promise<void> {
    return this.occupancy.forget(occupant);
  }

  override roomsOfNode(nodeId: string): Promise<string[]> {
    return this.occupancy.roomsOf(nodeId);
  }

  override evict(nodeId: string, roomId: string): Promise<void> {
    return this.occupancy.evict(nodeId, roomId);
  }

  override async sweep(roomId: string, limit: number): Promise<Swept | undefined> {
    const reply = await this.sweepScript(roomId, limit);
    if (!reply) {
      return undefined;
    }
    const [erased, waiting, next, bytes, system, images] = reply;
    this.totals.changeBytes(roomId, -bytes);
    this.totals.change({ messages: system - erased });
    await this.deadlines.next(roomId, next);
    await this.tellErased(images.map(erasedImage));
    return { erased, waiting };
  }

  override async close(roomId: string, reason: CloseReason, ifPosition?: number): Promise<boolean> {
    const reply = await this.closeScript(roomId, reason, ifPosition ?? '');
    if (!reply) {
      return false;
    }
    await this.closed(roomId, reply);
    return true;
  }

  /** Brings up to date what stands in other slots of a room that was closed. */
  async closed(roomId: string, reply: CloseReply): Promise<void> {
    const [epoch, indexed, now, messages, bytes, participants, members, marks, images] = reply;
    const occupied = participants > 0 ? -1 : 0;
    this.totals.changeBytes(roomId, -bytes);
    this.totals.change({ rooms: -1, messages: -messages, participants: -participants, occupied });
    await this.lists.remove(members, roomId, epoch);
    await this.marks.removeAll(roomId, marks);
    await this.deadlines.forget(roomId, indexed, now);
    await this.tellImages(images);
  }

  /** Tells that messages with images, as scripts give them, are gone. */
  async tellImages(images: readonly string[]): Promise<void> {
    if (images.length > 0) {
      await this.tellErased(images.map(erasedImage));
    }
  }
}

/** From `<holder> <filename>`. */
function erasedImage(shown: string): ErasedImage {
  const [holder = '', filename = ''] = shown.split(' ');
  return { holder, filename };
}
