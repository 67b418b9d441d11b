import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Broadcaster } from '../../../realtime/broadcaster';
import { RoomDelivery } from '../../../realtime/room-delivery';
import type { ServerEvent } from '../../../realtime/server-event';
import { joinedRoom } from '../../../realtime/socket-rooms';
import { isGhostRoomId } from '../../engine/room';
import type { RoomEvent } from '../../engine/room-event';
import { RoomFeed } from '../../engine/room-feed';
import { TypingService } from '../../typing.service';
import { GhostBurns } from './ghost-burns';
import { GhostEntry } from './ghost-entry';
import { agentIdOf, GhostPlaces } from './ghost-places';
import { ghostView } from './ghost-view';
import { GhostEvents } from './ghost.events';

/** Tells what happens in anonymous rooms in the words of `/ghost`: feed event in, event of the contract out. */
@Injectable()
export class GhostAnnouncer implements OnModuleInit {
  constructor(
    private readonly feed: RoomFeed,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly typing: TypingService,
    private readonly ghosts: GhostPlaces,
    private readonly entry: GhostEntry,
    private readonly burns: GhostBurns,
  ) {}

  onModuleInit(): void {
    this.feed.subscribe((event) => {
      if (isGhostRoomId(event.roomId)) {
        this.announce(event);
      }
    });
    this.typing.subscribe(({ roomId, username, socketId }, isTyping) => {
      if (isGhostRoomId(roomId)) {
        const told = isTyping ? GhostEvents.typing : GhostEvents.stoppedTyping;
        this.broadcaster.emit(told, { agentId: username }, { rooms: [joinedRoom(roomId)], except: [socketId] });
      }
    });
  }

  private announce(event: RoomEvent): void {
    switch (event.kind) {
      case 'message': {
        const token = this.ghosts.tokenOf(event.roomId);
        if (token !== undefined) {
          this.tell(event, GhostEvents.newMessage, ghostView(event.message, token));
        }
        if (event.message.burn) {
          this.burns.sent(event.message);
        }
        return;
      }
      case 'expired':
        return event.messageIds.forEach((messageId) => this.tell(event, GhostEvents.expired, { messageId }));
      case 'joined':
        // Not to whoever came: it is held back from them, and they are told of it by `room-joined`.
        return this.tell(event, GhostEvents.joined, { agentId: agentIdOf(event.userId) });
      case 'left':
        return this.tell(event, GhostEvents.left, { agentId: agentIdOf(event.userId) });
      case 'replaced':
        return this.entry.replaced(event.roomId, event.userId, event.socketId);
      case 'closed':
      case 'opened':
      case 'updated':
      case 'members':
      case 'key':
      case 'status':
      case 'edited':
      case 'deleted':
      case 'reaction':
        // Nobody here is told of these.
        return;
    }
  }

  private tell<T extends object>({ roomId, position }: RoomEvent, event: ServerEvent<T>, payload: T): void {
    this.delivery.emit(event, payload, roomId, position, { byMembership: false });
  }
}
