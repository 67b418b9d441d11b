import type { Awaitable } from '../../common/awaitable';
import type { Ban, Invite, MembershipPage, Standing } from './membership';
import type { Room } from './room';

export interface PublicRooms {
  readonly rooms: Room[];
  /** The store's own word for where the next page begins; undefined at the end. */
  readonly next: string | undefined;
}

/** Rooms that one page of public rooms looks at, at most: with a query it may hold fewer than asked for. */
export const MAX_LOOKED_AT = 1000;

/** Reads of who is in rooms that are not direct. What is written goes through `MembershipFeed`. */
export abstract class MembershipStore {
  /** What a user may do in a room; undefined where none stands, or a direct one. O(1). */
  abstract standing(roomId: string, userId: string): Awaitable<Standing | undefined>;

  /** Members, longest-standing first, at most `limit`, from the page that `after` names. */
  abstract members(roomId: string, after: string | undefined, limit: number): Awaitable<MembershipPage>;

  /** Bans that hold. */
  abstract bans(roomId: string): Awaitable<Ban[]>;

  /**
   * Ids of rooms that are not direct in which something may be of a user or name them: they are or were a member, or on a
   * list. Maybe more than that.
   */
  abstract tracesOf(userId: string): Awaitable<string[]>;

  /** Invites that wait for a user, in no order. */
  abstract invites(userId: string): Awaitable<Invite[]>;

  /**
   * Public rooms whose name has `query` (lower case; '' for all) in it, newest activity first, at most `limit`; O(rooms
   * looked at).
   */
  abstract publicRooms(query: string, after: string | undefined, limit: number): Awaitable<PublicRooms>;
}
