import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LinkSigner } from '../../../attachments/link-signer';
import { isPromise } from '../../../common/awaitable';
import { Clock } from '../../../common/clock';
import { Broadcaster } from '../../../realtime/broadcaster';
import { RealtimeServer } from '../../../realtime/realtime-server';
import { RoomDelivery } from '../../../realtime/room-delivery';
import type { ServerEvent } from '../../../realtime/server-event';
import { joinedRoom, userRoom } from '../../../realtime/socket-rooms';
import { isAnonymousRoomId } from '../../engine/room';
import type { RoomEvent } from '../../engine/room-event';
import { RoomFeed } from '../../engine/room-feed';
import { SilentJoins } from '../../silent-joins';
import { TypingService } from '../../typing.service';
import { concealedView, openView, reactionView } from '../../view';
import { ROOMS, RoomsEvents } from './rooms.events';
import { newMessageView } from './rooms.views';
import { SenderAvatars } from './sender-avatars';

/** Events that show a message, and with it the picture of its sender. */
type MessageEvent = Extract<RoomEvent, { kind: 'message' | 'edited' }>;

/** Tells what happens in rooms in the words of `/rooms`, to the sockets that joined them. */
@Injectable()
export class RoomsAnnouncer implements OnModuleInit {
  /** By room, messages that wait for the picture of the sender of the first of them. */
  private readonly waiting = new Map<string, MessageEvent[]>();
  /** Those of this node in `/rooms`. */
  private sockets: ReadonlyMap<string, unknown> | undefined;

  constructor(
    private readonly feed: RoomFeed,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly realtime: RealtimeServer,
    private readonly typing: TypingService,
    private readonly joins: SilentJoins,
    private readonly avatars: SenderAvatars,
    private readonly links: LinkSigner,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.feed.subscribe((event) => {
      // Nothing is made for nobody: most nodes have no socket here, or none yet.
      this.sockets ??= this.realtime.io.of(ROOMS).sockets;
      if (this.sockets.size > 0 && !isAnonymousRoomId(event.roomId)) {
        this.announce(event);
      }
    });
    this.typing.subscribe(({ roomId, userId, username }, isTyping) => {
      if (isAnonymousRoomId(roomId)) {
        return;
      }
      const audience = { rooms: [joinedRoom(roomId)], except: [userRoom(userId)] };
      if (isTyping) {
        this.broadcaster.emit(RoomsEvents.typing, { roomId, userId, username }, audience);
      } else {
        this.broadcaster.emit(RoomsEvents.stoppedTyping, { roomId, userId }, audience);
      }
    });
  }

  private announce(event: RoomEvent): void {
    const { roomId } = event;
    if (event.kind === 'message' || event.kind === 'edited') {
      return this.announceMessage(event);
    }
    if (this.waiting.has(roomId)) {
      this.flush(event);
    }
    switch (event.kind) {
      case 'deleted':
        return this.toRoom(event, RoomsEvents.deleted, { roomId, _id: event.messageId });
      case 'reaction': {
        const { messageId, userId, emoji, action } = event;
        const reactions = event.reactions.map(reactionView);
        return this.toRoom(event, RoomsEvents.reaction, { roomId, messageId, userId, emoji, action, reactions });
      }
      case 'opened':
        return this.joins.opened(roomId, event.position);
      case 'expired': {
        const { messageIds, reason, userId } = event;
        const payload = { roomId, messageIds: [...messageIds], reason };
        return this.toRoom(event, RoomsEvents.expired, payload, userId === undefined ? {} : { users: [userId] });
      }
      case 'closed':
        // Of one that both have left, nobody is here to be told.
        return event.reason === 'left'
          ? undefined
          : this.toRoom(event, RoomsEvents.kicked, { roomId, reason: event.reason });
      case 'status':
      case 'updated':
      case 'members':
      case 'key':
      case 'joined':
      case 'left':
      case 'replaced':
        // Not told here.
        return undefined;
    }
  }

  /** At once where the sender's picture is known; else behind those of the room that wait already. */
  private announceMessage(event: MessageEvent): void {
    const queue = this.waiting.get(event.roomId);
    if (queue) {
      queue.push(event);
      return;
    }
    const avatar = this.avatars.of(event.message.senderId);
    if (isPromise(avatar)) {
      void this.await([event], avatar);
    } else {
      this.tell(event, avatar);
    }
  }

  private async await(queue: MessageEvent[], first: Promise<string | null>): Promise<void> {
    const [{ roomId }] = queue as [MessageEvent];
    this.waiting.set(roomId, queue);
    for (let avatar: string | null = await first, next = queue.shift(); next; next = queue.shift()) {
      this.tell(next, avatar);
      const [following] = queue;
      avatar = following ? await this.avatars.of(following.message.senderId) : null;
    }
    if (this.waiting.get(roomId) === queue) {
      this.waiting.delete(roomId);
    }
  }

  /**
   * What else happens in a room comes behind its messages, and does not wait for pictures; of messages that it is the end
   * of nothing is told any more.
   */
  private flush(event: RoomEvent): void {
    const queue = this.waiting.get(event.roomId);
    this.waiting.delete(event.roomId);
    const standing = queue?.splice(0).filter(({ message }) => !ends(event, message.id));
    standing?.forEach((waiting) => this.tell(waiting, null));
  }

  /** Two encodings at most: the sender's and the others'. Nothing of what expired while it waited. */
  private tell(event: MessageEvent, avatar: string | null): void {
    const { message } = event;
    if (message.expiresAt !== null && message.expiresAt <= this.clock.now()) {
      return;
    }
    const open = newMessageView(openView(message, this.links), avatar);
    if (event.kind === 'edited') {
      return this.toRoom(event, RoomsEvents.edited, open);
    }
    if (!message.burn) {
      return this.toRoom(event, RoomsEvents.newMessage, open);
    }
    const { senderId } = message;
    const concealed = newMessageView(concealedView(message), avatar);
    this.toRoom(event, RoomsEvents.newMessage, open, { users: [senderId] });
    this.toRoom(event, RoomsEvents.newMessage, concealed, { exceptUser: senderId });
  }

  private toRoom<T extends object>(event: RoomEvent, told: ServerEvent<T>, payload: T, to: Target = {}): void {
    this.delivery.emit(told, payload, event.roomId, event.position, { ...to, byMembership: false });
  }
}

/** Whether a message is gone for everyone with this event. */
function ends(event: RoomEvent, messageId: string): boolean {
  if (event.kind === 'expired') {
    return event.userId === undefined && event.messageIds.includes(messageId);
  }
  return event.kind === 'closed' || (event.kind === 'deleted' && event.messageId === messageId);
}

interface Target {
  readonly users?: readonly string[];
  readonly exceptUser?: string;
}
