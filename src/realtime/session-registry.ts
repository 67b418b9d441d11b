import { Injectable } from '@nestjs/common';
import { type TokenEnding, type TokenIdentity, TokenService } from '../auth/token.service';
import { Clock } from '../common/clock';
import { USER_RENAMED, type UserRenamed } from '../common/identity';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { NodeBus } from '../storage/node-bus';
import { SocketCloser } from './socket-closer';
import type { MayflySocket } from './socket-session';

const TOKEN = 'socket-token';
/** How long an ended token is remembered here, for sockets whose handshake was under way when it ended. */
const RECENT_MS = 60_000;

/** The sockets of this node by user, and the end of their tokens. */
@Injectable()
export class SessionRegistry {
  private readonly byUser = new Map<string, Set<MayflySocket>>();
  private readonly bySocketId = new Map<string, MayflySocket>();
  private recentEndings: { ending: TokenEnding; seenAt: number }[] = [];

  constructor(
    private readonly closer: SocketCloser,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    expiry: ExpiryService,
    tokens: TokenService,
    bus: NodeBus,
  ) {
    expiry.own(TOKEN, (items) => items.forEach(({ key }) => this.tokenExpired(key)));
    tokens.onEnded((ending) => this.tokenEnded(ending));
    bus.subscribe<UserRenamed>(USER_RENAMED, ({ userId, username }) => {
      for (const { data } of this.socketsOf(userId)) {
        data.identity = Object.freeze({ ...data.identity, username });
      }
    });
  }

  /** Sockets of this node. */
  get size(): number {
    return this.bySocketId.size;
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
    return this.bySocketId.get(socketId);
  }

  /** Takes a socket in. False where its token ended while it came in: the socket is being closed. */
  add(socket: MayflySocket): boolean {
    const { identity, verifiedAt } = socket.data;
    let sockets = this.byUser.get(identity.userId);
    if (!sockets) {
      sockets = new Set();
      this.byUser.set(identity.userId, sockets);
    }
    sockets.add(socket);
    this.bySocketId.set(socket.id, socket);
    this.watchToken(socket, identity, verifiedAt);
    return !socket.data.ended;
  }

  remove(socket: MayflySocket): void {
    const { userId } = socket.data.identity;
    this.bySocketId.delete(socket.id);
    this.queue.cancel(TOKEN, socket.id);
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
  }

  private tokenEnded(ending: TokenEnding): void {
    const now = this.clock.now();
    this.recentEndings = this.recentEndings.filter(({ seenAt }) => now - seenAt < RECENT_MS);
    this.recentEndings.push({ ending, seenAt: now });
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
