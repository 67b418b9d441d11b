import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { setImmediate as breathe } from 'node:timers/promises';
import { Clock } from '../common/clock';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { type Bucket, RateLimiter } from '../limits/rate-limiter';
import { NodeBus } from '../storage/node-bus';
import { isGroupRoomId } from './engine/room';
import { RoomStore } from './engine/room.store';
import { LocalMembers } from './local-members';

const ACTIVITY = 'activity';
/** Once a second a room, over all nodes (chat.md). */
const BUCKET: Bucket = { name: ACTIVITY, perMinute: 60, burst: 1 };
/** Members told in one go. */
const BATCH = 100;
/** Where it is told. */
const NAMESPACE = '/';

/** What a member who does not listen to a room is told of it. */
export interface Activity {
  readonly roomId: string;
  readonly userId: string;
  readonly lastSeq: number;
  readonly unreadCount: number;
}

export type ActivityListener = (activity: Activity) => void;

/**
 * Tells members who are connected and do not listen that something was written in a room of more than two, at most once a
 * second a room; what came meanwhile is told when the second is over. Each node tells its own sockets: it knows which of
 * its users are members, so that a room costs as much as it has members here.
 */
@Injectable()
export class RoomActivityService implements OnModuleInit {
  private readonly logger = new Logger(RoomActivityService.name);
  /** Rooms of which something is to be told later. */
  private readonly waiting = new Set<string>();
  private readonly listeners: ActivityListener[] = [];

  constructor(
    private readonly rooms: RoomStore,
    private readonly members: LocalMembers,
    private readonly limiter: RateLimiter,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    private readonly bus: NodeBus,
    expiry: ExpiryService,
  ) {
    expiry.own(ACTIVITY, (items) => items.forEach(({ key }) => this.come(key)));
  }

  onModuleInit(): void {
    this.bus.subscribe<{ roomId: string }>(ACTIVITY, ({ roomId }) => {
      this.tell(roomId).catch((error: unknown) => this.failed(roomId, error));
    });
  }

  /** Calls `listener` with what is for the sockets of a user on this node. */
  subscribe(listener: ActivityListener): void {
    this.listeners.push(listener);
  }

  /** Something was written in a room. Without effect in direct rooms, whose members hear everything. */
  note(roomId: string): void {
    if (isGroupRoomId(roomId) && !this.waiting.has(roomId)) {
      this.waiting.add(roomId);
      this.come(roomId);
    }
  }

  private come(roomId: string): void {
    this.tellInTime(roomId).catch((error: unknown) => {
      this.waiting.delete(roomId);
      this.failed(roomId, error);
    });
  }

  /** Nothing is lost: it is a hint to look at the room. */
  private failed(roomId: string, error: unknown): void {
    this.logger.warn({ err: error, roomId }, 'The activity of a room was not told');
  }

  private async tellInTime(roomId: string): Promise<void> {
    const { allowed, retryAfterMs } = await this.limiter.take(BUCKET, roomId);
    if (!allowed) {
      this.queue.schedule(ACTIVITY, roomId, this.clock.now() + Math.max(1, retryAfterMs));
      return;
    }
    this.waiting.delete(roomId);
    await this.bus.publish(ACTIVITY, { roomId });
  }

  /** Tells users of this node. */
  private async tell(roomId: string): Promise<void> {
    const outside = [...this.members.outside(roomId, NAMESPACE)];
    for (let first = 0; first < outside.length; first += BATCH) {
      const userIds = outside.slice(first, first + BATCH);
      const unread = await this.rooms.unread(roomId, userIds);
      userIds.forEach((userId, index) => {
        const unreadCount = unread?.unreadCounts[index];
        if (!unread || unreadCount === undefined) {
          this.members.drop(userId, roomId);
          return;
        }
        const activity = { roomId, userId, lastSeq: unread.lastSeq, unreadCount };
        this.listeners.forEach((listener) => listener(activity));
      });
      await breathe();
    }
  }
}
