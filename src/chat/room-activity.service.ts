import { Injectable, Logger } from '@nestjs/common';
import { setImmediate as breathe } from 'node:timers/promises';
import { Clock } from '../common/clock';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { type Bucket, RateLimiter } from '../limits/rate-limiter';
import { PresenceReader } from '../users/presence-reader';
import { MembershipStore } from './engine/membership.store';
import { isGroupRoomId } from './engine/room';
import { RoomStore } from './engine/room.store';

const ACTIVITY = 'activity';
/** Once a second a room, over all nodes (chat.md). */
const BUCKET: Bucket = { name: ACTIVITY, perMinute: 60, burst: 1 };
/** Members looked at in one go. */
const PAGE = 100;

/** What a member who does not listen to a room is told of it. */
export interface Activity {
  readonly roomId: string;
  readonly userId: string;
  readonly lastSeq: number;
  readonly unreadCount: number;
}

export type ActivityListener = (activity: Activity) => void;

/**
 * Tells members who are online that something was written in a room of more than two, at most once a second a room; what
 * came meanwhile is told when the second is over.
 */
@Injectable()
export class RoomActivityService {
  private readonly logger = new Logger(RoomActivityService.name);
  /** Rooms of which something is to be told later. */
  private readonly waiting = new Set<string>();
  private readonly listeners: ActivityListener[] = [];

  constructor(
    private readonly rooms: RoomStore,
    private readonly members: MembershipStore,
    private readonly presence: PresenceReader,
    private readonly limiter: RateLimiter,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    expiry: ExpiryService,
  ) {
    expiry.own(ACTIVITY, (items) => items.forEach(({ key }) => this.come(key)));
  }

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
      // Nothing is lost: it is a hint to look at the room.
      this.waiting.delete(roomId);
      this.logger.warn({ err: error, roomId }, 'The activity of a room was not told');
    });
  }

  private async tellInTime(roomId: string): Promise<void> {
    const { allowed, retryAfterMs } = await this.limiter.take(BUCKET, roomId);
    if (!allowed) {
      this.queue.schedule(ACTIVITY, roomId, this.clock.now() + Math.max(1, retryAfterMs));
      return;
    }
    this.waiting.delete(roomId);
    let after: string | undefined;
    do {
      const page = await this.members.members(roomId, after, PAGE);
      await this.tell(
        roomId,
        page.members.map(({ userId }) => userId),
      );
      after = page.next;
      await breathe();
    } while (after !== undefined);
  }

  private async tell(roomId: string, userIds: readonly string[]): Promise<void> {
    const online = await this.presence.isOnline(userIds);
    await Promise.all(
      userIds.map(async (userId, index) => {
        const unread = online[index] ? await this.rooms.unread(roomId, userId) : undefined;
        if (unread) {
          this.listeners.forEach((listener) => listener({ roomId, userId, ...unread }));
        }
      }),
    );
  }
}
