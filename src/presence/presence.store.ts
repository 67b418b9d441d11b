import type { Awaitable } from '../common/awaitable';

/** A socket and whose it is. */
export interface UserSocket {
  readonly userId: string;
  readonly socketId: string;
}

/** Who is connected, over all nodes. A user is online from the first socket until the grace after the last is over. */
export abstract class PresenceStore {
  /**
   * Counts a socket in, unless the user has `most` already: then nothing changes. `first`: the user was not online
   * before. One that is counted already is `more`. Atomic.
   */
  abstract connect(userId: string, socketId: string, most: number): Awaitable<'first' | 'more' | 'full'>;
  /** Counts a socket out; one that is not counted is ignored. True where it was the user's last. Atomic. */
  abstract disconnect(userId: string, socketId: string): Awaitable<boolean>;
  /** Ends a user's grace: true where they had no socket and were online until now. Atomic: one caller gets true. */
  abstract goOffline(userId: string): Awaitable<boolean>;
  /** Sockets of a user. */
  abstract socketCount(userId: string): Awaitable<number>;
  /** Whether each of the users is online, in the order given. */
  abstract isOnline(userIds: readonly string[]): Awaitable<boolean[]>;
  /** Users online. */
  abstract onlineCount(): Awaitable<number>;
  /** At most `limit` users who are online. */
  abstract onlineUserIds(limit: number): Awaitable<string[]>;
  /** All sockets. */
  abstract connectedSockets(): Awaitable<number>;
  /** At most `limit` sockets that a node (`Nodes`) counted in and nobody counted out. */
  abstract socketsOfNode(nodeId: string, limit: number): Awaitable<UserSocket[]>;
}
