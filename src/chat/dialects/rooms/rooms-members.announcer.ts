import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Broadcaster } from '../../../realtime/broadcaster';
import { userRoom } from '../../../realtime/socket-rooms';
import { NodeBus } from '../../../storage/node-bus';
import { MembershipsService } from '../../memberships.service';
import { SilentJoins } from '../../silent-joins';
import { RoomsEvents } from './rooms.events';

const ENTERED = 'room-entered';

interface Entered {
  readonly userId: string;
  readonly roomId: string;
}

/** Lets sockets that want all their rooms hear one that their user comes into, and tells those who are put out. */
@Injectable()
export class RoomsMembersAnnouncer implements OnModuleInit {
  constructor(
    private readonly memberships: MembershipsService,
    private readonly joins: SilentJoins,
    private readonly broadcaster: Broadcaster,
    private readonly bus: NodeBus,
  ) {}

  onModuleInit(): void {
    this.memberships.subscribe({
      expelled: (userId, roomId, reason) => {
        this.broadcaster.emit(RoomsEvents.kicked, { roomId, reason }, { rooms: [userRoom(userId)] });
      },
      entered: async (userId, roomId) => {
        await this.joins.entered(userId, roomId);
        await this.bus.publish(ENTERED, { userId, roomId } satisfies Entered);
      },
    });
    this.bus.subscribe<Entered>(ENTERED, ({ userId, roomId }) => void this.joins.entered(userId, roomId));
  }
}
