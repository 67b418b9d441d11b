import { Injectable } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import { Ids } from '../../common/ids';
import { MESSAGE_STATUSES, MESSAGE_TYPES, type MessageDraft } from '../engine/message';
import { type Refusal, refused, tooSoon } from '../engine/membership';
import type { Reported, ReportRequest } from '../engine/report';
import { type CloseReason, isGroupRoomId, type Room, type RoomDraft, type RoomSettings } from '../engine/room';
import {
  type Appended,
  type AppendLimits,
  type Deleted,
  type Edited,
  type EditRequest,
  type Claim,
  type Claimed,
  type Countdown,
  type ErasedImage,
  type DeleteRequest,
  type Occupant,
  type Reacted,
  type ReactionRequest,
  type Receipt,
  type Revealed,
  type RevealRequest,
  RoomFeed,
  type RoomListener,
  type Swept,
} from '../engine/room-feed';
import {
  decodeMessage,
  decodeRemembered,
  decodeRoom,
  digestOf,
  encodePayload,
  type Quoted,
  type RawView,
} from './codec';
import { FeedFollower } from './feed-follower';
import { RedisPublicRooms } from './redis-public-rooms';
import { RedisChanges } from './redis-changes';
import { RedisOccupancy } from './redis-occupancy';
import { RedisReports } from './redis-reports';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { RedisRoomTotals } from './redis-room-totals';
import { RoomDeadlines } from './room-deadlines';
import { RoomLists } from './room-lists';
import { UserMarks } from './user-marks';
import { BURN, END, RAISE, REVEAL } from './receipt-scripts.lua';
import { RAISE_MARK } from './watermark-scripts.lua';
import { APPEND, CLOSE, CONFIGURE, OPEN, SET_KEY, SWEEP } from './room-scripts.lua';

type AppendReply =
  | readonly [
      'new',
      value: string,
      index: string | null,
      epoch: string,
      bytes: number,
      type: string,
      freed: number,
      images: string[],
    ]
  | readonly ['again', value: string | null, index: string | null, epoch: string, bytes: 0, remembered: string]
  | readonly ['room']
  | readonly ['server']
  | readonly ['refused', Refusal]
  | readonly ['slow', wait: number]
  | readonly ['reply']
  | null;
type RaiseReply = readonly [waiting: number, epoch: string, index: string | null];
type RevealReply =
  | readonly ['revealed', value: string, until: string, epoch: string, index: string | null]
  | readonly ['again' | 'own' | 'ordinary'];
type BurnReply = readonly [deadline: string, epoch: string, index: string | null, first: number];
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

const GONE = { seq: 0, senderId: '', senderUsername: '' };

/**
 * The feed of many nodes: each change is one script in the room's slot, which publishes it as well. What stands in other
 * slots (lists of rooms, totals, the expiry queue) is brought up to date around it, in an order that a kill in between
 * does not hurt.
 */
@Injectable()
export class RedisRoomFeed extends RoomFeed {
  private readonly openScript: RoomScript<[opened: number, view: RawView]>;
  private readonly appendScript: RoomScript<AppendReply>;
  private readonly raiseScript: RoomScript<RaiseReply | null>;
  private readonly raiseMarkScript: RoomScript<readonly [epoch: string, index: string | null] | null>;
  private readonly revealScript: RoomScript<RevealReply | null>;
  private readonly burnScript: RoomScript<BurnReply | null>;
  private readonly endScript: RoomScript<readonly [epoch: string, index: string | null] | null>;
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
    private readonly changes: RedisChanges,
    private readonly reports: RedisReports,
    private readonly ids: Ids,
  ) {
    super();
    this.openScript = rooms.script(OPEN);
    this.appendScript = rooms.script(APPEND);
    this.raiseScript = rooms.script(RAISE);
    this.raiseMarkScript = rooms.script(RAISE_MARK);
    this.revealScript = rooms.script(REVEAL);
    this.burnScript = rooms.script(BURN);
    this.endScript = rooms.script(END);
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
    const { roomId, senderId, type, clientId } = draft;
    const quoted = draft.replyTo === undefined ? undefined : await this.quoted(roomId, senderId, draft.replyTo);
    const reply = await this.appendScript(
      roomId,
      this.ids.id(),
      senderId,
      MESSAGE_TYPES.indexOf(type),
      draft.ttl ?? '',
      limits.maxLifetimeMs,
      limits.messagesPerRoom,
      this.isFull(limits) ? 1 : 0,
      clientId === undefined ? '' : digestOf(senderId, clientId),
      encodePayload(draft, quoted?.quote),
      draft.burn ? 1 : 0,
      draft.expireFrom === 'seen' ? 1 : 0,
      draft.image ? `${draft.image.holder} ${draft.image.filename}` : '',
      ...(quoted ? [quoted.quote.seq, quoted.quote.senderId, quoted.name] : ['', '', '']),
    );
    if (!reply) {
      return undefined;
    }
    if (reply[0] === 'room') {
      throw new AppError('CapacityError', 'The room is full, wait until messages have expired');
    }
    if (reply[0] === 'server') {
      throw new AppError('CapacityError', 'The server is full, wait until messages have expired');
    }
    if (reply[0] === 'refused') {
      throw refused(reply[1]);
    }
    if (reply[0] === 'slow') {
      throw tooSoon(reply[1]);
    }
    if (reply[0] === 'reply') {
      throw new AppError('NotFoundError', 'The message that you reply to is gone');
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

  override async raise(receipt: Receipt): Promise<{ waiting: number } | undefined> {
    const { roomId, userId, status, range, socketId } = receipt;
    const which = 'messageId' in range ? (['id', range.messageId] as const) : (['upTo', range.upToSeq] as const);
    const rank = MESSAGE_STATUSES.indexOf(status);
    if (isGroupRoomId(roomId)) {
      const raised = await this.raiseMarkScript(roomId, userId, rank, socketId ?? '', ...which);
      await (raised && this.deadlines.index(roomId, ...raised));
      return raised ? { waiting: 0 } : undefined;
    }
    const reply = await this.raiseScript(roomId, userId, rank, socketId ?? '', ...which);
    if (!reply) {
      return undefined;
    }
    const [waiting, epoch, index] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { waiting };
  }

  override async reveal(request: RevealRequest): Promise<Revealed | undefined> {
    const { roomId, userId, messageId, revealId = '', socketId = '', delayMs } = request;
    const reply = await this.revealScript(roomId, userId, messageId, revealId, socketId, delayMs);
    if (!reply) {
      return undefined;
    }
    if (reply[0] !== 'revealed') {
      return { outcome: reply[0] };
    }
    const [outcome, value, until, epoch, index] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { outcome, message: decodeMessage(roomId, value), expiresAt: Number(until) };
  }

  override async burn(roomId: string, messageId: string, delayMs: number): Promise<Countdown | undefined> {
    const reply = await this.burnScript(roomId, messageId, delayMs);
    if (!reply) {
      return undefined;
    }
    const [deadline, epoch, index, first] = reply;
    await this.deadlines.index(roomId, epoch, index);
    return { expiresAt: Number(deadline), first: first === 1 };
  }

  override async end(roomId: string, messageId: string): Promise<boolean> {
    const reply = await this.endScript(roomId, messageId);
    if (!reply) {
      return false;
    }
    await this.deadlines.index(roomId, ...reply);
    return true;
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

  /** What a reply answers; seq 0: it is gone, which is no matter where the send is a repeat. */
  private async quoted(roomId: string, viewer: string, messageId: string): Promise<{ quote: Quoted; name: string }> {
    const { seq, senderId, senderUsername } = (await this.changes.find(roomId, viewer, messageId))?.message ?? GONE;
    return { quote: { seq, id: messageId, senderId }, name: senderUsername };
  }

  private isFull({ totalBytes, anonymousBytes = Infinity }: AppendLimits): boolean {
    return this.totals.bytes >= totalBytes || this.totals.anonymousBytes >= anonymousBytes;
  }
}

/** From `<holder> <filename>`. */
function erasedImage(shown: string): ErasedImage {
  const [holder = '', filename = ''] = shown.split(' ');
  return { holder, filename };
}
