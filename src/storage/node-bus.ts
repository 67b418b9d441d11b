import type { Awaitable } from '../common/awaitable';

/**
 * Tells something to every node, this one included. Nothing is kept: a node that is cut off misses it, so what must
 * hold stands in a store, and a message here only makes it felt at once.
 */
export abstract class NodeBus {
  /**
   * Hands the message, which must survive JSON, to all listeners of the channel: to those of this node before it
   * returns. Listeners that throw hurt nobody. Does not fail: nodes that cannot be told are told of a gap later.
   */
  abstract publish(channel: string, message: object): Awaitable<void>;

  /** Calls `listener` with each message of the channel from now on, in the order of each publishing node. */
  abstract subscribe<T extends object>(channel: string, listener: (message: T) => void): void;

  /**
   * Calls `listener` when messages may have been missed, once messages come again: it must look at the stores for what
   * it would have been told.
   */
  abstract onGap(listener: () => void): void;
}
