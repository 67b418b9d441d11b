import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';
import { Clock, isoTime } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { ExpiryQueue } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import { Broadcaster } from '../realtime/broadcaster';
import type { ServerEvent } from '../realtime/server-event';
import { userRoom } from '../realtime/socket-rooms';
import { Nodes } from '../nodes/nodes';
import { UsersService } from '../users/users.service';
import { PresenceEvents } from './presence.events';
import { PresenceStore } from './presence.store';

const GRACE = 'presence';
/** Sockets of a node that is gone, counted out at once. */
const TAKEOVER_BATCH = 50;
/** With `PRESENCE_SCOPE=auto`: up to this many users online, everyone is told of everyone (accounts.md). */
const EVERYONE_LIMIT = 1000;
/** Name of who was erased (accounts.md). */
const DELETED_USER = 'Deleted user';

type UserListener = (userId: string) => Awaitable<void>;
/** A user came online, or went offline. */
export interface PresenceChange {
  readonly userId: string;
  readonly online: boolean;
  /** When they came, or when their last socket left, epoch ms. */
  readonly lastSeen: number;
}
type ChangeListener = (change: PresenceChange) => Awaitable<void>;
/** Users who are to know when a user comes and goes. */
export type ContactSource = (userId: string) => Awaitable<readonly string[]>;

/** Who is online: counts users, not sockets, and forgives a reload. */
@Injectable()
export class PresenceService implements OnModuleInit {
  private readonly logger = new Logger(PresenceService.name);
  private readonly contactSources: ContactSource[] = [];
  private readonly lastSocketListeners: UserListener[] = [];
  private readonly changeListeners: ChangeListener[] = [];

  constructor(
    private readonly store: PresenceStore,
    private readonly users: UsersService,
    private readonly broadcaster: Broadcaster,
    private readonly queue: ExpiryQueue,
    private readonly expiry: ExpiryService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly nodes: Nodes,
  ) {}

  onModuleInit(): void {
    this.nodes.onTakeover((nodeId) => this.takeOver(nodeId));
    this.expiry.own(GRACE, async (items) => {
      for (const { key } of items) {
        await this.goOffline(key);
      }
    });
  }

  /** Adds users to those who are told of a user's coming and going, where not everyone is. */
  addContacts(source: ContactSource): void {
    this.contactSources.push(source);
  }

  /** Calls `listener` when the last socket of a user is gone, before the grace. */
  onLastSocketGone(listener: UserListener): void {
    this.lastSocketListeners.push(listener);
  }

  /** Calls `listener` when a user came or went, on the node that found out. */
  onChange(listener: ChangeListener): void {
    this.changeListeners.push(listener);
  }

  /** @throws AppError CapacityError where a user has as many sockets as they may, over all nodes */
  async admit(userId: string): Promise<void> {
    if ((await this.store.socketCount(userId)) >= this.config.env.MAX_SOCKETS_PER_USER) {
      throw new AppError('CapacityError', 'Too many connections of this user');
    }
  }

  /** Sockets of a user, over all nodes. */
  socketCount(userId: string): Awaitable<number> {
    return this.store.socketCount(userId);
  }

  /**
   * Counts a socket in and tells the user's contacts of the first. False where the user has as many as they may: those
   * whose handshakes were under way at once, on whatever nodes, all passed `admit`.
   */
  async connect(userId: string, username: string, socketId: string): Promise<boolean> {
    // A grace that runs ends without effect: there is a socket.
    const counted = await this.store.connect(userId, socketId, this.config.env.MAX_SOCKETS_PER_USER);
    if (counted === 'first') {
      await this.tell(PresenceEvents.online, { userId, username, isOnline: true });
      await this.changed({ userId, online: true, lastSeen: this.clock.now() });
    }
    return counted !== 'full';
  }

  /** Counts a socket out; after the last one the grace begins. */
  async disconnect(userId: string, socketId: string): Promise<void> {
    const now = this.clock.now();
    const graceEnd = now + this.config.env.PRESENCE_GRACE_MS;
    // Scheduled for any socket, and before: a node that is killed in between leaves nobody online for ever.
    const [, last] = await Promise.all([
      this.queue.schedule(GRACE, userId, graceEnd),
      this.store.disconnect(userId, socketId),
    ]);
    if (!last) {
      return;
    }
    await this.users.touch(userId, now);
    await this.queue.schedule(GRACE, userId, graceEnd);
    for (const listener of this.lastSocketListeners) {
      await listener(userId);
    }
  }

  /** Counts out the sockets of a node that is gone. */
  private async takeOver(nodeId: string): Promise<void> {
    for (;;) {
      const sockets = await this.store.socketsOfNode(nodeId, TAKEOVER_BATCH);
      if (sockets.length === 0) {
        return;
      }
      await Promise.all(sockets.map(({ userId, socketId }) => this.disconnect(userId, socketId)));
    }
  }

  private async goOffline(userId: string): Promise<void> {
    if (!(await this.store.goOffline(userId))) {
      return;
    }
    // Whoever is erased goes as well: pages that saw them come would show them online for ever.
    const { username, lastSeen } = (await this.users.find(userId)) ?? {
      username: DELETED_USER,
      lastSeen: this.clock.now(),
    };
    await this.tell(PresenceEvents.offline, { userId, username, isOnline: false, lastSeen: isoTime(lastSeen) });
    await this.changed({ userId, online: false, lastSeen });
  }

  private async changed(change: PresenceChange): Promise<void> {
    for (const listener of this.changeListeners) {
      await listener(change);
    }
  }

  private async tell<T extends { userId: string }>(event: ServerEvent<T>, payload: T): Promise<void> {
    if (await this.tellsEveryone()) {
      this.broadcaster.emitToAll(event, payload);
      return;
    }
    const contacts = new Set([payload.userId]);
    for (const source of this.contactSources) {
      for (const userId of await source(payload.userId)) {
        contacts.add(userId);
      }
    }
    this.logger.debug({ userId: payload.userId, contacts: contacts.size }, 'Presence changed');
    this.broadcaster.emit(event, payload, { rooms: [...contacts].map(userRoom) });
  }

  private async tellsEveryone(): Promise<boolean> {
    const scope = this.config.env.PRESENCE_SCOPE;
    return scope === 'everyone' || (scope === 'auto' && (await this.store.onlineCount()) <= EVERYONE_LIMIT);
  }
}
