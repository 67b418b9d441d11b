import type { Awaitable } from '../common/awaitable';

/** Takes over what a node held that is gone. May be called again for the same node: must be idempotent. */
export type TakeoverListener = (nodeId: string) => Awaitable<void>;

/** The nodes of the service, as this one sees them. */
export abstract class Nodes {
  /** This node's name: another one after each start, and after others have taken it for dead. */
  abstract readonly id: string;

  /** Nodes that this one took over since it started. */
  abstract readonly takeovers: number;

  /** Whether this node may act for the service: its lease is good. */
  abstract readonly inService: boolean;

  /** Nodes that are up, this one included; 1 until it knows better. */
  abstract readonly count: number;

  /**
   * Asks whether this node is known to the others; where it is not, those who wait to be told so are, before this ends.
   * @throws AppError CapacityError where nobody answers
   */
  abstract confirm(): Awaitable<void>;

  /**
   * Calls `listener` with each node that is gone, on one of the living nodes, a few seconds after its end; again, maybe
   * elsewhere, if it fails or its node goes meanwhile.
   */
  abstract onTakeover(listener: TakeoverListener): void;

  /**
   * Calls `listener` when this node was cut off so long that the others have taken its sockets for gone, or when Redis
   * has lost everything: the sockets are to come back.
   */
  abstract onExpelled(listener: () => void): void;

  /** Calls `listener` when the stores are there again after an outage: before the expiry queue hands out anything. */
  abstract onReturn(listener: () => void): void;
}
