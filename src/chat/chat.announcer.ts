import { Injectable, type OnModuleInit } from '@nestjs/common';
import { LinkSigner } from '../attachments/link-signer';
import { isoTime } from '../common/clock';
import { Broadcaster } from '../realtime/broadcaster';
import { RealtimeServer } from '../realtime/realtime-server';
import { RoomDelivery } from '../realtime/room-delivery';
import type { ServerEvent } from '../realtime/server-event';
import { joinedRoom, leftRoom, userRoom } from '../realtime/socket-rooms';
import { ChatEvents, type StatusUpdatedDto } from './chat.events';
import { directMembers, isAnonymousRoomId, otherMember } from './engine/room';
import type { Message } from './engine/message';
import type { RaisedMessage, RoomEvent } from './engine/room-event';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomEntry } from './room-entry';
import { TypingService } from './typing.service';
import { concealedView, openView, reactionView, roomView } from './view';

/** More receipts than this at once are told as one (chat.md). */
const MAX_SINGLE_RECEIPTS = 50;

/** Who comes and goes is told in rooms with so many joined users at most (chat.md). */
const MAX_TOLD_ACTIVE = 100;

type StatusEvent = Extract<RoomEvent, { kind: 'status' }>;

/** Tells what happens in rooms in the words of the namespace `/`: feed event in, event of the contract out. */
@Injectable()
export class ChatAnnouncer implements OnModuleInit {
  constructor(
    private readonly feed: RoomFeed,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly realtime: RealtimeServer,
    private readonly typing: TypingService,
    private readonly entry: RoomEntry,
    private readonly links: LinkSigner,
    private readonly policies: RoomPolicies,
  ) {}

  onModuleInit(): void {
    this.feed.subscribe((event) => {
      if (!isAnonymousRoomId(event.roomId)) {
        this.announce(event);
      }
    });
    this.feed.onMissed((roomId) => this.entry.missed(roomId));
    this.typing.subscribe(({ roomId, userId, username }, isTyping) => {
      if (isAnonymousRoomId(roomId)) {
        return;
      }
      const other = otherMember(roomId, userId);
      const payload = { roomId, userId, username, isTyping };
      const rooms = other === undefined ? [joinedRoom(roomId)] : [userRoom(other)];
      const audience = { rooms, except: [leftRoom(roomId), userRoom(userId)] };
      this.broadcaster.emit(ChatEvents.typing, payload, audience);
    });
  }

  private announce(event: RoomEvent): void {
    const { roomId } = event;
    switch (event.kind) {
      case 'message':
        return this.announceMessage(event, event.message);
      case 'status':
        return this.announceStatus(event);
      case 'expired': {
        const { messageIds, reason } = event;
        const payload = { roomId, messageIds: [...messageIds], reason };
        const only = event.userId === undefined ? {} : { users: [event.userId] };
        return this.toRoom(event, ChatEvents.expired, payload, { ...only, evenLeft: true });
      }
      case 'edited':
        return this.toRoom(event, ChatEvents.edited, openView(event.message, this.links));
      case 'deleted': {
        const { messageId, userId: deletedBy, at } = event;
        return this.toRoom(event, ChatEvents.deleted, { roomId, messageId, deletedBy, deletedAt: isoTime(at) });
      }
      case 'reaction': {
        const { messageId, userId, emoji, action } = event;
        const reactions = event.reactions.map(reactionView);
        return this.toRoom(event, ChatEvents.reaction, { roomId, messageId, userId, emoji, action, reactions });
      }
      case 'opened': {
        // A leave of a room that did not stand is forgotten as well.
        this.realtime.io.of('/').local.in(leftRoom(roomId)).socketsLeave(leftRoom(roomId));
        const view = { room: roomView(event.room) };
        return this.toRoom(event, ChatEvents.roomCreated, view, { exceptUser: event.openedBy });
      }
      case 'updated':
        return this.toRoom(event, ChatEvents.roomUpdated, { room: roomView(event.room) });
      case 'members':
        if (!event.member) {
          this.entry.remove(event.userId, roomId);
        }
        return this.toRoom(event, ChatEvents.roomUpdated, { room: roomView(event.room) });
      case 'key': {
        const { userId, publicKey } = event;
        return this.toRoom(event, ChatEvents.roomKeys, { roomId, userId, publicKey }, { exceptUser: userId });
      }
      case 'joined':
      case 'left': {
        const { userId, activeUsers } = event;
        if (activeUsers.length > MAX_TOLD_ACTIVE) {
          return;
        }
        const told = event.kind === 'joined' ? ChatEvents.userJoined : ChatEvents.userLeft;
        return this.toRoom(event, told, { roomId, userId, activeUsers: [...activeUsers] });
      }
      case 'replaced':
        // Only where nobody has an account.
        return;
      case 'closed':
        return this.toRoom(event, ChatEvents.roomClosed, { roomId, reason: event.reason }, { evenLeft: true });
    }
  }

  /** Two encodings at most: the sender's and the others'. */
  private announceMessage(event: RoomEvent, message: Message): void {
    if (!message.burn) {
      return this.toRoom(event, ChatEvents.messageNew, openView(message, this.links));
    }
    const { senderId } = message;
    this.toRoom(event, ChatEvents.messageNew, openView(message, this.links), { users: [senderId] });
    this.toRoom(event, ChatEvents.messageNew, concealedView(message), { exceptUser: senderId });
  }

  private announceStatus(event: StatusEvent): void {
    const { roomId, status, userId } = event;
    const messages: RaisedMessage[] = [];
    for (const message of event.messages) {
      if (message.expiresAt === undefined) {
        messages.push(message);
        continue;
      }
      // Whoever has the message has to know its new deadline.
      const moved = { messageId: message.id, expiresAt: isoTime(message.expiresAt) };
      this.tellStatus(event, { roomId, status, userId, at: isoTime(event.at), ...moved }, {});
    }
    if (messages.length === 0 && event.upToSeq === undefined) {
      return;
    }
    const told = { roomId, status, userId, at: isoTime(event.at) };
    if (this.policies.byId(roomId).audience === 'joined') {
      return this.announceMarks(event, told, messages);
    }
    const raiser = { users: [userId], exceptSocket: event.socketId };
    if (messages.length <= MAX_SINGLE_RECEIPTS) {
      for (const { id, senderId } of messages) {
        this.tellStatus(event, { ...told, messageId: id }, { users: [senderId] });
        this.tellStatus(event, { ...told, messageId: id }, raiser);
      }
      return;
    }
    const highest = highestOf(messages);
    for (const [senderId, upToSeq] of highest) {
      this.tellStatus(event, { ...told, upToSeq }, { users: [senderId] });
    }
    this.tellStatus(event, { ...told, upToSeq: Math.max(...highest.values()) }, raiser);
  }

  /** One event a sender, of the highest of their messages that rose, and one to the raiser's other sockets. */
  private announceMarks(event: StatusEvent, told: StatusUpdatedDto, messages: readonly RaisedMessage[]): void {
    for (const [senderId, upToSeq] of highestOf(messages)) {
      this.tellStatus(event, { ...told, upToSeq }, { users: [senderId] });
    }
    if (event.upToSeq !== undefined) {
      const raiser = { users: [event.userId], exceptSocket: event.socketId };
      this.tellStatus(event, { ...told, upToSeq: event.upToSeq }, raiser);
    }
  }

  private tellStatus(event: RoomEvent, payload: StatusUpdatedDto, to: Target): void {
    this.toRoom(event, ChatEvents.statusUpdated, payload, to);
  }

  private toRoom<T extends object>(event: RoomEvent, told: ServerEvent<T>, payload: T, to: Target = {}): void {
    const byMembership = this.policies.byId(event.roomId).audience === 'members';
    const { users = byMembership ? directMembers(event.roomId) : undefined, exceptUser, evenLeft, exceptSocket } = to;
    const audience = { users, exceptUser, byMembership, evenLeft, exceptSocket };
    this.delivery.emit(told, payload, event.roomId, event.position, audience);
  }
}

/** The highest seq of each sender. */
function highestOf(messages: readonly RaisedMessage[]): Map<string, number> {
  const highest = new Map<string, number>();
  for (const { seq, senderId } of messages) {
    highest.set(senderId, Math.max(seq, highest.get(senderId) ?? 0));
  }
  return highest;
}

interface Target {
  readonly users?: readonly string[];
  readonly exceptUser?: string;
  readonly evenLeft?: boolean;
  readonly exceptSocket?: string;
}
