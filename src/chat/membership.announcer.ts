import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Identity } from '../common/identity';
import { Broadcaster } from '../realtime/broadcaster';
import { joinedRoom, userRoom } from '../realtime/socket-rooms';
import { ProfilesService } from '../users/profiles.service';
import type { Room } from './engine/room';
import { MembershipEvents } from './membership.events';
import { MembershipsService } from './memberships.service';
import { reportView } from './membership-views';
import { ReportsService } from './reports.service';
import { RoomActivityService } from './room-activity.service';
import { roomView } from './view';

/** Tells users in `/` what concerns them though they may not listen to the room: activity, invites, reports, that they are out. */
@Injectable()
export class MembershipAnnouncer implements OnModuleInit {
  private readonly logger = new Logger(MembershipAnnouncer.name);

  constructor(
    private readonly memberships: MembershipsService,
    private readonly activity: RoomActivityService,
    private readonly reports: ReportsService,
    private readonly profiles: ProfilesService,
    private readonly broadcaster: Broadcaster,
  ) {}

  onModuleInit(): void {
    this.activity.subscribe(({ userId, ...activity }) => {
      const audience = { rooms: [userRoom(userId)], except: [joinedRoom(activity.roomId)], local: true };
      this.broadcaster.emit(MembershipEvents.activity, activity, audience);
    });
    this.reports.subscribe(({ roomId, report, moderators }) => {
      const told = { roomId, report: reportView(report) };
      this.broadcaster.emit(MembershipEvents.reported, told, { rooms: moderators.map(userRoom) });
    });
    this.memberships.subscribe({
      invited: (userId, room, from) => void this.tellInvited(userId, room, from),
      expelled: (userId, roomId, reason) => {
        this.broadcaster.emit(MembershipEvents.kicked, { roomId, reason }, { rooms: [userRoom(userId)] });
      },
    });
  }

  private async tellInvited(userId: string, room: Room, { userId: inviter }: Identity): Promise<void> {
    try {
      const from = await this.profiles.getPublic(inviter);
      this.broadcaster.emit(MembershipEvents.invited, { room: roomView(room), from }, { rooms: [userRoom(userId)] });
    } catch (error) {
      // The invite stands, and is found by REST.
      this.logger.warn({ err: error, roomId: room.id }, 'An invite was not told');
    }
  }
}
