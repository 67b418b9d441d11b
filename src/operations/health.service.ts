import { Injectable } from '@nestjs/common';
import { Clock, isoTime } from '../common/clock';
import { RoomStatistics } from '../chat/room-statistics';
import { ExpiryService } from '../expiry/expiry.service';
import { DrainService } from '../realtime/drain.service';
import type { HealthDto } from './health.dto';

/** Past this many milliseconds of delay the promise that expired means gone is in danger (guarantees.md). */
const MAX_OVERDUE_MS = 5000;

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, 'up' | 'down'>>;
}

/** Whether this node lives, and whether it should be sent clients. */
@Injectable()
export class HealthService {
  constructor(
    private readonly drain: DrainService,
    private readonly expiry: ExpiryService,
    private readonly rooms: RoomStatistics,
    private readonly clock: Clock,
  ) {}

  async health(): Promise<HealthDto> {
    const { occupied, participants } = await this.rooms.totals();
    return {
      status: this.drain.draining ? 'draining' : 'ok',
      timestamp: isoTime(this.clock.now()),
      uptime: Math.floor(process.uptime()),
      activeRooms: occupied,
      totalParticipants: participants,
      sessions: 0,
      redis: 'disabled',
    };
  }

  async readiness(): Promise<Readiness> {
    const overdue = await this.expiry.overdueMs();
    const checks = {
      draining: this.drain.draining ? ('down' as const) : ('up' as const),
      expiry: overdue > MAX_OVERDUE_MS ? ('down' as const) : ('up' as const),
    };
    return { ready: Object.values(checks).every((check) => check === 'up'), checks };
  }
}
