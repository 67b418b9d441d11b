import type { Awaitable } from '../../common/awaitable';
import type { Message } from './message';
import type { Room } from './room';

/** A room in the list of its member. */
export interface RoomSummary {
  readonly room: Room;
  readonly activeUsers: readonly string[];
  /** Live messages, system messages not counted. */
  readonly messageCount: number;
  /** Live messages of others that the member has not seen; a burn message until they have revealed it. */
  readonly unreadCount: number;
  /** The newest live message that is no system message. */
  readonly lastMessage: Message | undefined;
}

export interface Unread {
  readonly lastSeq: number;
  /** As in `RoomSummary`; undefined of who is no member. */
  readonly unreadCounts: readonly (number | undefined)[];
}

/** Where a room stands in its life. */
export interface RoomLife {
  readonly position: number;
  /** When it was opened, written in or configured, epoch ms. */
  readonly lastActivity: number;
  /** When anything last happened in it, epoch ms. */
  readonly lastEvent: number;
  /** Live messages, system messages not counted. */
  readonly messageCount: number;
  /** Live messages that are still `sent`. */
  readonly waiting: number;
  readonly activeUsers: readonly string[];
  /** By user: connected sockets that left the room. */
  readonly leftSockets: ReadonlyMap<string, number>;
}

export interface RoomTotals {
  /** Rooms that stand. */
  readonly rooms: number;
  /** Live messages but system messages. */
  readonly messages: number;
  /** Rooms that somebody joined. */
  readonly occupied: number;
  /** The sum of the users who joined those. */
  readonly participants: number;
}

/** Reads of rooms. What is written goes through the feed. */
export abstract class RoomStore {
  /** A room; undefined where none stands under this id. */
  abstract find(roomId: string): Awaitable<Room | undefined>;

  /** Ids of the rooms that a user is a member of; at most `MAX_ROOMS_PER_USER`. */
  abstract idsOf(userId: string): Awaitable<string[]>;

  /** The rooms of a user, newest activity first. */
  abstract summariesOf(userId: string): Awaitable<RoomSummary[]>;

  /**
   * How far a room that is not direct has counted, and how much of it each of the users has not seen, in their order;
   * undefined where none stands. Cheap, however much that is.
   */
  abstract unread(roomId: string, userIds: readonly string[]): Awaitable<Unread | undefined>;

  /** What decides whether a room goes on; undefined where none stands. */
  abstract life(roomId: string): Awaitable<RoomLife | undefined>;

  /** Ids of users with a socket that joined the room. */
  abstract activeUsers(roomId: string): Awaitable<string[]>;

  abstract totals(): Awaitable<RoomTotals>;

  /** Bytes that the records of all messages take; undefined where a driver does not count them. */
  messageBytes(): Awaitable<number | undefined> {
    return undefined;
  }
}
