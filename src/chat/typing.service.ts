import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { type Awaitable, chain } from '../common/awaitable';
import type { Identity } from '../common/identity';
import { AppConfig } from '../config/app-config';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { RoomsService } from './rooms.service';

const TYPING = 'typing';

interface Typist {
  readonly userId: string;
  readonly username: string;
}

interface Mark extends Typist {
  readonly roomId: string;
  readonly socketId: string;
}

export type TypingListener = (mark: Mark, isTyping: boolean) => void;

/** Who is typing where. A mark stands on the node of the typist's socket; what it tells crosses nodes by broadcast. */
@Injectable()
export class TypingService {
  private readonly marks = new Map<string, Mark>();
  /** Keys of the marks that a socket set. */
  private readonly bySocket = new Map<string, Set<string>>();
  private readonly listeners: TypingListener[] = [];

  constructor(
    private readonly rooms: RoomsService,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    expiry: ExpiryService,
  ) {
    expiry.own(TYPING, (items) => items.forEach(({ key }) => this.end(key)));
  }

  /** Calls `listener` when somebody begins or ends to type. */
  subscribe(listener: TypingListener): void {
    this.listeners.push(listener);
  }

  /** Marks the user as typing until the timeout, a stop, a send, a leave or the socket's end. @throws AppError NotFoundError */
  start(user: Identity, roomId: string, socketId: string): Awaitable<void> {
    return chain(this.rooms.authorize(user, roomId), () => this.mark(user, roomId, socketId));
  }

  /** The same of somebody who was let into the room otherwise. */
  mark({ userId, username }: Typist, roomId: string, socketId: string): void {
    const key = keyOf(userId, roomId);
    this.queue.schedule(TYPING, key, this.clock.now() + this.config.env.TYPING_TIMEOUT_MS);
    const before = this.marks.get(key);
    if (before) {
      this.unlink(before.socketId, key);
    }
    const mark = { roomId, userId, username, socketId };
    this.marks.set(key, mark);
    const own = this.bySocket.get(socketId) ?? new Set();
    this.bySocket.set(socketId, own.add(key));
    if (!before) {
      this.tell(mark, true);
    }
  }

  /** Takes the mark away; none is fine. */
  clear({ userId }: Pick<Typist, 'userId'>, roomId: string): void {
    if (this.marks.size > 0) {
      this.end(keyOf(userId, roomId));
    }
  }

  /** Takes away the marks that a socket set. */
  forget(socketId: string): void {
    for (const key of this.bySocket.get(socketId) ?? []) {
      this.end(key);
    }
  }

  private end(key: string): void {
    const mark = this.marks.get(key);
    if (mark && this.marks.delete(key)) {
      this.unlink(mark.socketId, key);
      this.queue.cancel(TYPING, key);
      this.tell(mark, false);
    }
  }

  private unlink(socketId: string, key: string): void {
    const own = this.bySocket.get(socketId);
    if (own?.delete(key) && own.size === 0) {
      this.bySocket.delete(socketId);
    }
  }

  private tell(mark: Mark, isTyping: boolean): void {
    for (const listener of this.listeners) {
      listener(mark, isTyping);
    }
  }
}

const keyOf = (userId: string, roomId: string): string => `${userId} ${roomId}`;
