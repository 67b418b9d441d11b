import type { Awaitable } from '../common/awaitable';

/** What profiles and lists need to know of who is online; provided by `presence`. Counts are over all nodes. */
export abstract class PresenceReader {
  /** Whether each of the users is online, in the order given. */
  abstract isOnline(userIds: readonly string[]): Awaitable<boolean[]>;
  /** Users online. */
  abstract onlineCount(): Awaitable<number>;
  /** At most `limit` users who are online. */
  abstract onlineUserIds(limit: number): Awaitable<string[]>;
  /** Sockets, of which a user may have several. */
  abstract connectedSockets(): Awaitable<number>;
}
