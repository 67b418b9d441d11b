import type { Clock } from '../../common/clock';
import type { Ids } from '../../common/ids';
import type { Reported, ReportRequest } from '../engine/report';
import type { MemoryRooms } from './memory-rooms';
import { Reports } from './reports';
import { NO_HANDLE } from './slab';

/** Reports of messages, which nobody hears of but who moderates. */
export class MemoryReports {
  constructor(
    private readonly state: MemoryRooms,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** See `RoomFeed.report`. */
  report({ roomId, userId: reporterId, messageId, reason }: ReportRequest): Reported | undefined {
    const createdAt = this.clock.now();
    const { records, rooms } = this.state;
    const room = rooms.get(roomId);
    const handle = room?.log.findById(messageId, createdAt) ?? NO_HANDLE;
    if (!room?.hasMember(reporterId) || handle === NO_HANDLE || room.isGoneFor(handle, reporterId, createdAt)) {
      return undefined;
    }
    if (records.isDeleted(handle)) {
      return undefined;
    }
    if (!room.group || !room.settings.moderationEnabled) {
      return { outcome: 'off' };
    }
    if (records.isSystem(handle)) {
      return { outcome: 'fixed' };
    }
    if (room.people[records.sender(handle)]?.userId === reporterId) {
      return { outcome: 'own' };
    }
    room.reports ??= new Reports();
    const fresh = Object.freeze({ id: this.ids.id(), messageId, reporterId, reason, createdAt });
    const report = room.reports.add(records.seq(handle), fresh);
    if (typeof report === 'string') {
      return { outcome: report };
    }
    return { outcome: 'reported', report, moderators: report === fresh ? room.group.moderators() : [] };
  }
}
