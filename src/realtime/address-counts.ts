import type { Awaitable } from '../common/awaitable';

/** Connections by the address that they come from, over all nodes. */
export abstract class AddressCounts {
  /**
   * Tells that this node has `own` connections of an address, 0 or more. False where it would have more than before and
   * all nodes together more than `most`: then what it told before stands. Being told the number, not the change, makes
   * good whatever was not told. Atomic.
   */
  abstract tell(address: string, own: number, most: number): Awaitable<boolean>;
}
