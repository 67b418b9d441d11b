import { Injectable, type OnModuleInit } from '@nestjs/common';
import { isoTime } from '../../../common/clock';
import { type PresenceChange, PresenceService } from '../../../presence/presence.service';
import { Broadcaster } from '../../../realtime/broadcaster';
import { joinedRoom, userRoom } from '../../../realtime/socket-rooms';
import { RoomStore } from '../../engine/room.store';
import { RoomsEvents } from './rooms.events';

/** Tells who came and went to the sockets in `/rooms` that share a room with them: by room, not by user. */
@Injectable()
export class RoomsPresenceAnnouncer implements OnModuleInit {
  constructor(
    private readonly presence: PresenceService,
    private readonly rooms: RoomStore,
    private readonly broadcaster: Broadcaster,
  ) {}

  onModuleInit(): void {
    this.presence.onChange((change) => this.announce(change));
  }

  private async announce({ userId, online, lastSeen }: PresenceChange): Promise<void> {
    const rooms = (await this.rooms.idsOf(userId)).map(joinedRoom);
    const payload = {
      userId,
      status: online ? ('online' as const) : ('offline' as const),
      lastSeen: isoTime(lastSeen),
    };
    this.broadcaster.emit(RoomsEvents.presence, payload, { rooms, except: [userRoom(userId)] });
  }
}
