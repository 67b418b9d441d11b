import type { Awaitable } from '../common/awaitable';

/**
 * Tells something to every node, this one included. Nothing is kept: a node that is cut off misses it, so what must
 * hold stands in a store, and a message here only makes it felt at once.
 */
export abstract class NodeBus {
  /** Hands the message, which must survive JSON, to all listeners of the channel. Those that throw hurt nobody. */
  abstract publish(channel: string, message: object): Awaitable<void>;

  /** Calls `listener` with each message of the channel from now on, in the order of each publishing node. */
  abstract subscribe<T extends object>(channel: string, listener: (message: T) => void): void;
}
