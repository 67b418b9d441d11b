import { Injectable } from '@nestjs/common';
import { type TokenEnding, type TokenIdentity, TokenService } from '../auth/token.service';
import { Clock } from '../common/clock';
import { USER_CHANGED, type UserChanged } from '../common/identity';
import { AppConfig } from '../config/app-config';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { Nodes } from '../nodes/nodes';
import { NodeBus } from '../storage/node-bus';
import { type Arrival, Arrivals } from './arrivals';
import { SocketCloser } from './socket-closer';
import type { MayflySocket } from './socket-session';
import { TokenReview } from './token-review';

const TOKEN = 'socket-token';
/** How long an ended token is remembered here, for sockets whose handshake was under way when it ended. */
const RECENT_MS = 60_000;
/** And how many; whoever might have needed one that is dropped for a newer one is looked at again. */
const MAX_RECENT = 1000;

/** The sockets of this node by user, and the end of their tokens. */
@Injectable()
export class SessionRegistry {
  private readonly byUser = new Map<string, Set<MayflySocket>>();
  private readonly bySocketId = new Map<string, MayflySocket>();
  /** Those of anonymous namespaces, by id: there is no token to watch. */
  private readonly anonymous = new Map<string, MayflySocket>();
  private readonly recentEndings: { ending: TokenEnding; seenAt: number }[] = [];
  private readonly recentChanges: { userId: string; seenAt: number }[] = [];
  private readonly review: TokenReview;
  private readonly arrivals = new Arrivals();
  /** Sockets that the other nodes have taken for gone: they are to come back. */
  private readonly expelled = new WeakSet<MayflySocket>();
  /** When endings were last missed, epoch ms. */
  private gapAt = -Infinity;

  constructor(
    private readonly closer: SocketCloser,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    expiry: ExpiryService,
    tokens: TokenService,
    bus: NodeBus,
    nodes: Nodes,
  ) {
    expiry.own(TOKEN, (items) => items.forEach(({ key }) => this.tokenExpired(key)));
    tokens.onEnded((ending) => this.tokenEnded(ending));
    tokens.onChanged((userId) => this.tokensChanged(userId));
    this.review = new TokenReview(tokens, {
      stands: (socket, identity) => this.stands(socket, identity),
      ended: (socket) => this.closer.disconnect(socket),
    });
    bus.onGap(() => {
      this.gapAt = this.clock.now();
      this.review.add(this.bySocketId.values());
    });
    nodes.onExpelled(() => {
      for (const socket of [...this.anonymous.values()]) {
        this.closer.closeTransport(socket);
      }
      // Where Redis lost everything their users are gone: that is told by a review, and to those it has to be told.
      for (const socket of this.bySocketId.values()) {
        this.expelled.add(socket);
      }
      this.review.add(this.bySocketId.values());
    });
    bus.subscribe<UserChanged>(USER_CHANGED, ({ userId, username, role }) => {
      for (const { data } of this.socketsOf(userId)) {
        data.identity = Object.freeze({ ...data.identity, username, role });
      }
    });
  }

  /** Makes `arrival` part of each handshake. */
  onArrival(arrival: Arrival): void {
    this.arrivals.add(arrival);
  }

  /** Prepares for a socket whose handshake is good so far. @throws AppError, which refuses it */
  prepare(socket: MayflySocket, userId: string): Promise<void> {
    return this.arrivals.prepare(socket, userId);
  }

  /** Sockets of this node. */
  get size(): number {
    return this.bySocketId.size + this.anonymous.size;
  }

  /** Sockets of a user on this node. */
  count(userId: string): number {
    return this.byUser.get(userId)?.size ?? 0;
  }

  /** The sockets of a user on this node, of every namespace. */
  socketsOf(userId: string): Iterable<MayflySocket> {
    return this.byUser.get(userId) ?? [];
  }

  /** A socket of this node by its id; undefined once it is gone. */
  find(socketId: string): MayflySocket | undefined {
    return this.bySocketId.get(socketId) ?? this.anonymous.get(socketId);
  }

  /**
   * Takes a socket in. False where its token ended while it came in, or its user has too many by now: the socket is
   * being closed.
   */
  add(socket: MayflySocket): boolean {
    if (socket.data.anonymousId !== undefined) {
      this.anonymous.set(socket.id, socket);
      return true;
    }
    const { identity, verifiedAt } = socket.data;
    this.arrivals.came(socket);
    let sockets = this.byUser.get(identity.userId);
    if (!sockets) {
      sockets = new Set();
      this.byUser.set(identity.userId, sockets);
    }
    sockets.add(socket);
    this.bySocketId.set(socket.id, socket);
    this.watchToken(socket, identity, verifiedAt);
    // Those whose handshakes were under way at once all passed the check there.
    if (sockets.size > this.config.env.MAX_SOCKETS_PER_USER) {
      this.closer.disconnect(socket);
    }
    return !socket.data.ended;
  }

  remove(socket: MayflySocket): void {
    if (this.anonymous.delete(socket.id)) {
      return;
    }
    const { userId } = socket.data.identity;
    this.bySocketId.delete(socket.id);
    this.queue.cancel(TOKEN, socket.id);
    this.arrivals.left(userId);
    const sockets = this.byUser.get(userId);
    if (sockets?.delete(socket) && sockets.size === 0) {
      this.byUser.delete(userId);
    }
  }

  /** Puts a newer token of the same user, checked at `verifiedAt` (epoch ms), on a live socket. */
  renew(socket: MayflySocket, identity: TokenIdentity, verifiedAt: number): void {
    socket.data.identity = identity;
    this.watchToken(socket, identity, verifiedAt);
  }

  private watchToken(socket: MayflySocket, identity: TokenIdentity, verifiedAt: number): void {
    this.queue.schedule(TOKEN, socket.id, identity.expiresAt);
    for (const { ending, seenAt } of this.recentEndings) {
      if (seenAt >= verifiedAt && concerns(ending, identity)) {
        this.end(socket, ending);
      }
    }
    const changed = this.recentChanges.some(({ userId, seenAt }) => seenAt >= verifiedAt && userId === identity.userId);
    if (changed || this.gapAt >= verifiedAt) {
      this.review.add([socket]);
    }
  }

  /** The socket's token is good for now. */
  private stands(socket: MayflySocket, identity: TokenIdentity): void {
    if (this.expelled.has(socket)) {
      this.closer.closeTransport(socket);
      return;
    }
    socket.data.identity = identity;
    this.queue.scheduleSooner(TOKEN, socket.id, identity.expiresAt);
  }

  /** What is told of it besides comes from the node that did it, which may be killed before. */
  private tokensChanged(userId: string): void {
    const now = this.clock.now();
    this.remember(this.recentChanges, { userId, seenAt: now }, now);
    this.review.add(this.socketsOf(userId));
  }

  private remember<T extends { seenAt: number }>(recent: T[], newest: T, now: number): void {
    const stale = recent.findIndex(({ seenAt }) => now - seenAt < RECENT_MS);
    recent.splice(0, stale < 0 ? recent.length : stale);
    if (recent.length >= MAX_RECENT) {
      this.gapAt = Math.max(this.gapAt, recent.shift()?.seenAt ?? 0);
    }
    recent.push(newest);
  }

  private tokenEnded(ending: TokenEnding): void {
    const now = this.clock.now();
    this.remember(this.recentEndings, { ending, seenAt: now }, now);
    for (const socket of [...this.socketsOf(ending.userId)]) {
      if (concerns(ending, socket.data.identity)) {
        this.end(socket, ending);
      }
    }
  }

  private end(socket: MayflySocket, ending: TokenEnding): void {
    if (ending.reason === 'expired') {
      this.queue.scheduleSooner(TOKEN, socket.id, ending.at);
    } else {
      this.closer.disconnect(socket);
    }
  }

  private tokenExpired(socketId: string): void {
    const socket = this.bySocketId.get(socketId);
    if (socket) {
      this.closer.closeTransport(socket);
    }
  }
}

function concerns(ending: TokenEnding, identity: TokenIdentity): boolean {
  return (
    ending.userId === identity.userId &&
    (ending.tokenId === undefined || ending.tokenId === identity.tokenId) &&
    ending.exceptTokenId !== identity.tokenId &&
    (ending.generation === undefined || identity.generation < ending.generation)
  );
}
