import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { type DueItem, ExpiryQueue } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import { Nodes } from '../nodes/nodes';
import { PresenceService } from '../presence/presence.service';
import { UsersService } from '../users/users.service';
import { directMembers, isDirectRoomId } from './engine/room';
import { EXPIRY_KIND, RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { type RoomLife, RoomStore } from './engine/room.store';

const REVIEW = 'room-life';
/** Messages of one room erased in one go; the rest is due at the next tick. */
const SWEEP_LIMIT = 1000;

/**
 * The end of rooms and messages: erases what is due, and wipes a direct room once both have left it with nothing
 * waiting, or once it has been empty for the grace.
 */
@Injectable()
export class RoomLifeService implements OnModuleInit {
  /** Since when the service has been up as far as this node knows, epoch ms. */
  private upSince: number;

  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly presence: PresenceService,
    private readonly users: UsersService,
    private readonly queue: ExpiryQueue,
    private readonly expiry: ExpiryService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly nodes: Nodes,
    private readonly policies: RoomPolicies,
  ) {
    this.upSince = clock.now();
  }

  onModuleInit(): void {
    this.expiry.own(EXPIRY_KIND, (items) => this.sweep(items));
    this.expiry.own(REVIEW, (items) => this.reviewAll(items));
    this.presence.onLastSocketGone((userId) => this.reviewLater(userId));
    this.nodes.onReturn(() => (this.upSince = this.clock.now()));
    this.nodes.onTakeover((nodeId) => this.takeOver(nodeId));
  }

  /** Comes back to a room after the grace: one that is about to be opened may stay empty, one that was left too. */
  async watch(roomId: string): Promise<void> {
    await this.queue.scheduleSooner(REVIEW, roomId, this.clock.now() + this.grace);
  }

  /** Wipes the room if its time has come; else comes back to it when it may have. */
  async review(roomId: string): Promise<void> {
    const { wipe } = this.policies.byId(roomId);
    if (wipe === 'never') {
      return;
    }
    const life = await this.rooms.life(roomId);
    if (!life) {
      return;
    }
    const at =
      wipe === 'empty' ? goneWhenEmpty(life) : Math.min(this.emptyUntil(life), await this.leftAt(roomId, life));
    if (at > this.clock.now()) {
      if (at < Infinity) {
        await this.queue.scheduleSooner(REVIEW, roomId, at);
      }
      return;
    }
    if (!(await this.feed.close(roomId, 'left', life.position))) {
      await this.queue.scheduleSooner(REVIEW, roomId, this.clock.now());
    }
  }

  private get grace(): number {
    return this.config.env.ROOM_EMPTY_GRACE_MS;
  }

  private async sweep(items: DueItem[]): Promise<void> {
    for (const { key } of items) {
      const swept = await this.feed.sweep(key, SWEEP_LIMIT);
      if (swept && swept.erased > 0 && swept.waiting === 0) {
        await this.review(key);
      }
    }
  }

  private async reviewAll(items: DueItem[]): Promise<void> {
    for (const { key } of items) {
      await this.review(key);
    }
  }

  private async reviewLater(userId: string): Promise<void> {
    for (const roomId of (await this.rooms.idsOf(userId)).filter(isDirectRoomId)) {
      await this.watch(roomId);
    }
  }

  /** Takes the sockets of a node that is gone out of the rooms that they were in. */
  private async takeOver(nodeId: string): Promise<void> {
    for (const roomId of await this.feed.roomsOfNode(nodeId)) {
      await this.watch(roomId);
      await this.feed.evict(nodeId, roomId);
    }
  }

  /** When a room without messages and joined users goes, epoch ms; Infinity where it has some. */
  private emptyUntil(life: RoomLife): number {
    // Only time in which the service was up counts, here as below.
    return isEmpty(life) ? Math.max(life.lastEvent, this.upSince) + this.grace : Infinity;
  }

  /** When every member has left, epoch ms; Infinity while one is there or a message waits. */
  private async leftAt(roomId: string, life: RoomLife): Promise<number> {
    let latest = 0;
    for (const userId of life.waiting > 0 ? [] : (directMembers(roomId) ?? [])) {
      latest = Math.max(latest, await this.memberLeftAt(userId, life));
      if (latest === Infinity) {
        break;
      }
    }
    return latest === 0 ? Infinity : latest;
  }

  private async memberLeftAt(userId: string, life: RoomLife): Promise<number> {
    const sockets = await this.presence.socketCount(userId);
    if (sockets > 0) {
      return (life.leftSockets.get(userId) ?? 0) >= sockets ? life.lastActivity : Infinity;
    }
    // Who reads by REST alone has the grace after each message.
    const user = await this.users.find(userId);
    return Math.max(user?.lastSeen ?? 0, this.upSince, life.lastActivity) + this.grace;
  }
}

function isEmpty({ messageCount, activeUsers }: RoomLife): boolean {
  return messageCount === 0 && activeUsers.length === 0;
}

/** When a room goes that lasts no longer than who and what is in it, epoch ms. */
function goneWhenEmpty(life: RoomLife): number {
  return isEmpty(life) ? 0 : Infinity;
}
