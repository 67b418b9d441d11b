import type { Socket } from 'socket.io';
import type { TokenIdentity } from '../auth/token.service';

type NoTypedEvents = Record<string, (...args: unknown[]) => void>;

/** A socket that passed the handshake. `data` is its session. */
export type MayflySocket = Socket<NoTypedEvents, NoTypedEvents, NoTypedEvents, SocketSession>;

/** Answers the sender of one event; at most once. */
export type Reply = (answer: object) => void;

/** An event that waits for those before it. */
export interface WaitingEvent {
  readonly event: string;
  readonly payload: unknown;
  readonly reply: Reply | undefined;
}

/** Bad packets that end a socket, and the sliding window in which they do. */
const BAD_PACKETS = 40;
const BAD_PACKETS_WINDOW_MS = 10_000;

/** What the server knows of one socket of one namespace. */
export class SocketSession {
  /** True while an event is at work: later ones wait, so that they take effect in the order in which they came. */
  busy = false;
  /** Events that wait; made when the first has to. */
  waiting: WaitingEvent[] | undefined;
  /** Set by a handler: runs when its ack was written, or its event failed. */
  afterReply: (() => void) | undefined;
  /** No further event takes effect. */
  ended = false;
  private badPackets: number[] | undefined;

  constructor(
    public identity: TokenIdentity,
    /** Address of the client, proxies resolved. */
    readonly ip: string,
    /** When the token was checked, epoch ms. */
    readonly verifiedAt: number,
  ) {}

  /** Counts a packet that was refused as malformed. True when there were too many. */
  countBadPacket(now: number): boolean {
    this.badPackets ??= [];
    this.badPackets.push(now);
    if (this.badPackets.length < BAD_PACKETS) {
      return false;
    }
    const oldest = this.badPackets.shift() ?? now;
    return now - oldest <= BAD_PACKETS_WINDOW_MS;
  }
}
