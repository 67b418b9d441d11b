import type { Awaitable } from '../../common/awaitable';
import type { Message } from './message';
import type { Report } from './report';
import type { Room } from './room';

/** Where a client left off. */
export interface ResumePoint {
  readonly since: number;
  readonly epoch: string;
  /** Server time of its last join, epoch ms; undefined: changes are not asked for. */
  readonly sinceTime: number | undefined;
}

export interface PageLimits {
  readonly count: number;
  /** Bytes of content, roughly; one message is always given. */
  readonly bytes: number;
}

/** Everything that a join tells, read at one `room.position`. */
export interface Snapshot {
  readonly room: Room;
  readonly messages: Message[];
  /** Ranges of seqs up to `since` that still stand. */
  readonly live: [number, number][];
  readonly changed: Message[];
  /** True where there are more after the last (with a resume point) or before the first (without). */
  readonly more: boolean;
  /** True where the resume point is of no use: as without one. */
  readonly gap: boolean;
  /** The last seq that was looked at. */
  readonly lastSeq: number;
  readonly activeUsers: readonly string[];
  /** When it was read, epoch ms: the `sinceTime` by which a later one tells everything that changed after it. */
  readonly at: number;
  /** Of rooms that are not direct. */
  readonly watermarks: RoomMarks | undefined;
}

/** What a recipient has of a message. Times are epoch ms; in a room that is not direct of their latest receipt that covers it. */
export interface MemberReceipt {
  readonly userId: string;
  readonly deliveredAt: number | undefined;
  readonly seenAt: number | undefined;
}

/** Up to where all other members of a room that is not direct have come. */
export interface RoomMarks {
  readonly delivered: number;
  readonly seen: number;
}

/** Most messages that may have changed since a resume point; past it the client starts anew. */
export const MAX_CHANGED = 500;

/**
 * Reads of messages by a viewer, whose id decides what of burn messages is left for them. A message whose deadline has
 * come is in no answer, whether it is freed yet or not.
 */
export abstract class MessageStore {
  /** One live message; undefined where it is gone, or never was. */
  abstract find(roomId: string, viewer: string, messageId: string): Awaitable<Message | undefined>;

  /** The live message whose image has this holder; undefined where it is gone, or never was. */
  abstract findShowing(roomId: string, viewer: string, holder: string): Awaitable<Message | undefined>;

  /** Live messages before a seq (undefined: the newest), ascending, at most `count`; `more`: older ones exist. */
  abstract page(
    roomId: string,
    viewer: string,
    before: number | undefined,
    limits: PageLimits,
  ): Awaitable<{ messages: Message[]; more: boolean }>;

  /** What a join tells, read in one atomic step; undefined where no such room stands. */
  abstract snapshot(
    roomId: string,
    viewer: string,
    from: ResumePoint | undefined,
    limits: PageLimits,
  ): Awaitable<Snapshot | undefined>;

  /**
   * What the recipients have of an own message; `foreign`: it is somebody else's, or of the system. Undefined: no such
   * message.
   */
  abstract receipts(
    roomId: string,
    userId: string,
    messageId: string,
  ): Awaitable<readonly MemberReceipt[] | 'foreign' | undefined>;

  /** Reports of live messages of a room, newest first; none where it has no moderation. */
  abstract reports(roomId: string): Awaitable<Report[]>;

  /** Whether the countdown of a burn message runs for the user: they have revealed it, and it is not gone for them. */
  abstract isRevealed(roomId: string, userId: string, messageId: string): Awaitable<boolean>;
}
