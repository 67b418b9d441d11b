import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../common/app-error';
import { Clock } from '../../common/clock';
import { Ids } from '../../common/ids';
import { ExpiryQueue } from '../../expiry/expiry-queue';
import type { MemoryExpiryQueue } from '../../expiry/memory-expiry-queue';
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
  type Occupant,
  type Receipt,
  type Revealed,
  type RevealRequest,
  RoomFeed,
  type Swept,
} from '../engine/room-feed';
import { FeedHub } from './feed-hub';
import { MemoryChanges } from './memory-changes';
import { MemoryDeadlines } from './memory-deadlines';
import { MemoryErasure } from './memory-erasure';
import { MemoryOccupancy } from './memory-occupancy';
import { MemoryReceipts } from './memory-receipts';
import { MemoryReports } from './memory-reports';
import { MemoryRoom } from './memory-room';
import { MemoryRooms } from './memory-rooms';
import { MemoryTimeline } from './memory-timeline';

/** The feed of one node: a change is made and handed to the listeners within one call. */
@Injectable()
export class MemoryRoomFeed extends RoomFeed {
  /** These also for the feed of memberships. */
  readonly hub: FeedHub;
  readonly timeline: MemoryTimeline;
  readonly receipts: MemoryReceipts;
  readonly deadlines: MemoryDeadlines;
  private readonly erasure: MemoryErasure;
  private readonly changes: MemoryChanges;
  private readonly reports: MemoryReports;
  readonly occupancy: MemoryOccupancy;

  constructor(
    private readonly state: MemoryRooms,
    // The memory driver of one port beside that of another: both answer at once.
    @Inject(ExpiryQueue) queue: MemoryExpiryQueue,
    private readonly clock: Clock,
    ids: Ids,
  ) {
    super();
    this.hub = new FeedHub(clock);
    this.deadlines = new MemoryDeadlines(state, queue, clock);
    this.erasure = new MemoryErasure(state, this.hub, this.deadlines, clock);
    this.timeline = new MemoryTimeline(state, this.hub, this.deadlines, this.erasure, clock, ids);
    this.receipts = new MemoryReceipts(state, this.hub, this.deadlines, clock);
    this.changes = new MemoryChanges(state, this.hub, this.erasure, clock);
    this.reports = new MemoryReports(state, clock, ids);
    this.occupancy = new MemoryOccupancy(state, this.hub);
  }

  override subscribe(listener: RoomListener): void {
    this.hub.subscribe(listener);
  }

  override onMissed(): void {}

  override follow(): void {}

  override unfollow(): void {}

  override followRoom(): void {}

  override unfollowRoom(): void {}

  override open(draft: RoomDraft, roomsPerUser: number): { room: Room; opened: boolean } {
    const standing = this.state.rooms.get(draft.id);
    if (standing) {
      return { room: standing.view(), opened: false };
    }
    if (draft.members.some(({ userId }) => (this.state.roomsOf.get(userId)?.size ?? 0) >= roomsPerUser)) {
      throw new AppError('CapacityError', 'One of you is in too many rooms');
    }
    const room = new MemoryRoom(draft, this.state.records);
    this.stand(room);
    for (const { userId } of draft.members) {
      this.state.note(userId, room.id);
    }
    this.hub.publish(room, { kind: 'opened', room: room.view(), openedBy: draft.openedBy });
    return { room: room.view(), opened: true };
  }

  /** Takes a new room in. */
  stand(room: MemoryRoom): void {
    room.position = this.state.lastPosition;
    this.state.rooms.set(room.id, room);
  }

  override append(draft: MessageDraft, limits: AppendLimits): Appended | undefined {
    const appended = this.timeline.append(draft, limits);
    this.tellErasedImages();
    return appended;
  }

  override raise(receipt: Receipt): { waiting: number } | undefined {
    return this.receipts.raise(receipt);
  }

  override reveal(request: RevealRequest): Revealed | undefined {
    return this.receipts.reveal(request);
  }

  override burn(roomId: string, messageId: string, delayMs: number): Countdown | undefined {
    return this.receipts.burn(roomId, messageId, delayMs);
  }

  override edit(request: EditRequest, totalBytes: number): Edited | undefined {
    return this.changes.edit(request, totalBytes);
  }

  override delete(change: DeleteRequest): Deleted | undefined {
    const deleted = this.changes.delete(change);
    void this.tellErased(this.erasure.takeErasedImages());
    return deleted;
  }

  override react(request: ReactionRequest): Reacted | undefined {
    return this.changes.react(request);
  }

  override report(request: ReportRequest): Reported | undefined {
    return this.reports.report(request);
  }

  override end(roomId: string, messageId: string): boolean {
    return this.receipts.end(roomId, messageId);
  }

  override configure(roomId: string, settings: Partial<RoomSettings>): Room | undefined {
    const room = this.state.rooms.get(roomId);
    if (!room) {
      return undefined;
    }
    room.configure(settings);
    room.lastActivity = this.clock.now();
    this.hub.publish(room, { kind: 'updated', room: room.view() });
    return room.view();
  }

  override setPublicKey(roomId: string, userId: string, publicKey: string): void {
    const room = this.state.rooms.get(roomId);
    const isMember = !room?.group || room.group.member(userId) !== undefined;
    if (room && isMember && room.publicKeys[userId] !== publicKey) {
      room.publicKeys = { ...room.publicKeys, [userId]: publicKey };
      this.hub.publish(room, { kind: 'key', userId, publicKey });
    }
  }

  override enter(occupant: Occupant): void {
    this.occupancy.enter(occupant);
  }

  override claim(claim: Claim): Claimed | undefined {
    return this.occupancy.claim(claim);
  }

  override leave(occupant: Occupant): void {
    this.occupancy.leave(occupant);
  }

  override forget(occupant: Occupant): void {
    this.occupancy.forget(occupant);
  }

  /** A node that is gone took all of this along. */
  override roomsOfNode(): string[] {
    return [];
  }

  override evict(): void {}

  override sweep(roomId: string, limit: number): Swept | undefined {
    const swept = this.erasure.sweep(roomId, limit);
    this.tellErasedImages();
    return swept;
  }

  override close(roomId: string, reason: CloseReason, ifPosition?: number): boolean {
    const room = this.state.rooms.get(roomId);
    if (!room || (ifPosition !== undefined && room.position !== ifPosition)) {
      return false;
    }
    this.state.rooms.delete(roomId);
    for (const { userId } of room.members) {
      this.state.unnote(userId, roomId);
    }
    this.state.forgetGroup(room);
    this.occupancy.closed(room);
    this.erasure.closed(room);
    this.state.lastPosition = Math.max(this.state.lastPosition, room.position + 1);
    this.hub.publish(room, { kind: 'closed', reason });
    this.tellErasedImages();
    return true;
  }

  /** Tells that messages with images are gone, where some are. */
  tellErasedImages(): void {
    const images = this.erasure.takeErasedImages();
    if (images.length > 0) {
      void this.tellErased(images);
    }
  }
}
