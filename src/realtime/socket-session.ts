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
  /** Id of a socket of an anonymous namespace; undefined for one with a token. */
  readonly anonymousId: string | undefined;
  private user: TokenIdentity | undefined;
  private badPackets: number[] | undefined;

  constructor(
    /** Whom the token speaks for, or the id of a socket of an anonymous namespace. */
    who: TokenIdentity | string,
    /** Address of the client, proxies resolved. */
    readonly ip: string,
    /** When the token was checked, epoch ms. */
    readonly verifiedAt: number,
  ) {
    this.anonymousId = typeof who === 'string' ? who : undefined;
    this.user = typeof who === 'string' ? undefined : who;
  }

  /** @throws Error for a socket of an anonymous namespace: nobody has vouched for it */
  get identity(): TokenIdentity {
    if (!this.user) {
      throw new Error('A socket of an anonymous namespace has no identity');
    }
    return this.user;
  }

  set identity(identity: TokenIdentity) {
    this.user = identity;
  }

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
