import { Injectable, Logger } from '@nestjs/common';
import { isPromise } from '../../../common/awaitable';
import { Clock } from '../../../common/clock';
import { AppConfig } from '../../../config/app-config';
import { ExpiryService } from '../../../expiry/expiry.service';
import { LocalExpiryQueue } from '../../../expiry/memory-expiry-queue';
import { Broadcaster } from '../../../realtime/broadcaster';
import { SessionRegistry } from '../../../realtime/session-registry';
import type { Message } from '../../engine/message';
import { MessageStore } from '../../engine/message.store';
import { RoomFeed } from '../../engine/room-feed';
import { type Ghost, GhostPlaces } from './ghost-places';
import { ghostView } from './ghost-view';
import { GhostEvents } from './ghost.events';

const ARRIVAL = 'ghost-arrival';
const BURN = 'ghost-burn';
/** What pages get to load the history, which replaces their list, before a waiting message is shown to them. */
const SETTLING_MS = 3000;
const PAGE = { count: 500, bytes: 16 * 1024 * 1024 };

/**
 * Burn messages of anonymous rooms: the countdown starts when somebody else's socket was sent the message. One that
 * nobody was there for waits for the first who comes and stays.
 */
@Injectable()
export class GhostBurns {
  private readonly logger = new Logger(GhostBurns.name);

  constructor(
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly ghosts: GhostPlaces,
    private readonly broadcaster: Broadcaster,
    private readonly sessions: SessionRegistry,
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    expiry: ExpiryService,
  ) {
    expiry.own(ARRIVAL, async (items) => {
      for (const { key } of items) {
        await this.settled(key);
      }
    });
    // Those whose countdown could not be started at once.
    expiry.own(BURN, async (items) => {
      for (const { key } of items) {
        const [roomId = '', messageId = ''] = key.split(' ');
        await this.feed.burn(roomId, messageId, this.config.env.BURN_DELAY_MS);
      }
    });
  }

  /** A burn message was handed to the sockets of this node that are in its room. */
  sent({ id, seq, roomId, senderId }: Message): void {
    const others = this.ghosts.of(roomId).filter(({ userId }) => userId !== senderId);
    if (others.some(({ place, cameAt }) => !place.joining && cameAt !== undefined && cameAt < seq)) {
      this.start(roomId, id);
      return;
    }
    for (const { place, heldBurns } of others) {
      if (place.joining) {
        heldBurns.push({ id, seq });
      }
    }
  }

  /** What was held back from somebody during a join was handed to their socket, as far as it came after they had. */
  released({ place: { roomId }, cameAt = Infinity, heldBurns }: Ghost): void {
    for (const { id, seq } of heldBurns.splice(0)) {
      if (seq > cameAt) {
        this.start(roomId, id);
      }
    }
  }

  /** Somebody is in the room now: they were sent what came since, and are given what waits if they stay. */
  arrived({ place: { socket, roomId } }: Ghost): void {
    this.queue.schedule(ARRIVAL, `${roomId} ${socket.id}`, this.clock.now() + SETTLING_MS);
  }

  private async settled(key: string): Promise<void> {
    const [roomId = '', socketId = ''] = key.split(' ');
    const socket = this.sessions.find(socketId);
    const ghost = socket && this.ghosts.find(socket, roomId);
    if (!ghost || ghost.cameAt === undefined || ghost.place.joining) {
      return;
    }
    for (const message of await this.waiting(ghost)) {
      if (message.seq > ghost.cameAt) {
        // It came while the join was under way and was sent behind its end; should that have started nothing.
        this.start(roomId, message.id);
      } else if (!ghost.place.out && (await this.feed.burn(roomId, message.id, this.config.env.BURN_DELAY_MS))?.first) {
        this.broadcaster.emitTo(ghost.place.socket, GhostEvents.newMessage, ghostView(message, ghost.token));
      }
    }
  }

  /** Burn messages of others that nobody was sent yet. */
  private async waiting({ place: { roomId }, userId }: Ghost): Promise<Message[]> {
    const found: Message[] = [];
    for (let before: number | undefined, more = true; more;) {
      const page = await this.messages.page(roomId, userId, before, PAGE);
      found.unshift(...page.messages.filter((one) => one.burn && one.senderId !== userId));
      before = page.messages[0]?.seq;
      more = page.more && before !== undefined;
    }
    return found;
  }

  private start(roomId: string, messageId: string): void {
    try {
      const started = this.feed.burn(roomId, messageId, this.config.env.BURN_DELAY_MS);
      if (isPromise(started)) {
        started.catch((error: unknown) => this.startLater(roomId, messageId, error));
      }
    } catch (error) {
      this.startLater(roomId, messageId, error);
    }
  }

  private startLater(roomId: string, messageId: string, error: unknown): void {
    this.logger.warn({ err: error, messageId }, 'A countdown could not be started yet');
    this.queue.schedule(BURN, `${roomId} ${messageId}`, this.clock.now());
  }
}
