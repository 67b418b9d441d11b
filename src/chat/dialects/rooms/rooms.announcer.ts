import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Broadcaster } from '../../../realtime/broadcaster';
import { RealtimeServer } from '../../../realtime/realtime-server';
import { RoomDelivery } from '../../../realtime/room-delivery';
import type { ServerEvent } from '../../../realtime/server-event';
import { joinedRoom, userRoom } from '../../../realtime/socket-rooms';
import { RoomFeed, type RoomEvent } from '../../engine/room-feed';
import { SilentJoins } from '../../silent-joins';
import { TypingService } from '../../typing.service';
import { messageView } from '../../view';
import { newMessageView } from './rooms.views';
import { ROOMS, RoomsEvents } from './rooms.events';

/** Tells what happens in rooms in the words of `/rooms`, to the sockets that joined them. */
@Injectable()
export class RoomsAnnouncer implements OnModuleInit {
  constructor(
    private readonly feed: RoomFeed,
    private readonly delivery: RoomDelivery,
    private readonly broadcaster: Broadcaster,
    private readonly realtime: RealtimeServer,
    private readonly typing: TypingService,
    private readonly joins: SilentJoins,
  ) {}

  onModuleInit(): void {
    this.feed.subscribe((event) => {
      // Nothing is made for nobody: most nodes have no socket here, or none yet.
      if (this.realtime.io.of(ROOMS).sockets.size > 0) {
        this.announce(event);
      }
    });
    this.typing.subscribe(({ roomId, userId, username }, isTyping) => {
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
    switch (event.kind) {
      case 'opened':
        return this.joins.opened(roomId, event.position);
      case 'message':
        return this.toRoom(event, RoomsEvents.newMessage, newMessageView(messageView(event.message), null));
      case 'expired': {
        const { messageIds, reason } = event;
        return this.toRoom(event, RoomsEvents.expired, { roomId, messageIds: [...messageIds], reason });
      }
      case 'closed':
        // Of one that both have left, nobody is here to be told.
        return event.reason === 'left'
          ? undefined
          : this.toRoom(event, RoomsEvents.kicked, { roomId, reason: event.reason });
      default:
    }
  }

  private toRoom<T extends object>(event: RoomEvent, told: ServerEvent<T>, payload: T): void {
    this.delivery.emit(told, payload, event.roomId, event.position, { byMembership: false });
  }
}
