import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Broadcaster } from '../../../realtime/broadcaster';
import { userRoom } from '../../../realtime/socket-rooms';
import { NodeBus } from '../../../storage/node-bus';
import { reportView } from '../../membership-views';
import { MembershipsService } from '../../memberships.service';
import { ReportsService } from '../../reports.service';
import { SilentJoins } from '../../silent-joins';
import { RoomsEvents } from './rooms.events';

const ENTERED = 'room-entered';

interface Entered {
  readonly userId: string;
  readonly roomId: string;
}

/**
 * Lets sockets that want all their rooms hear one that their user comes into, and tells those who are put out, and those
 * who moderate of reports.
 */
@Injectable()
export class RoomsMembersAnnouncer implements OnModuleInit {
  constructor(
    private readonly memberships: MembershipsService,
    private readonly reports: ReportsService,
    private readonly joins: SilentJoins,
    private readonly broadcaster: Broadcaster,
    private readonly bus: NodeBus,
  ) {}

  onModuleInit(): void {
    this.reports.subscribe(({ roomId, report, moderators }) => {
      const told = { roomId, report: reportView(report) };
      this.broadcaster.emit(RoomsEvents.reported, told, { rooms: moderators.map(userRoom) });
    });
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
