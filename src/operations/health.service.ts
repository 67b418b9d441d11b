import { Inject, Injectable, Optional } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';
import { Clock, isoTime } from '../common/clock';
import { RoomStatistics } from '../chat/room-statistics';
import { ExpiryService } from '../expiry/expiry.service';
import { Nodes } from '../nodes/nodes';
import { DrainService } from '../realtime/drain.service';
import { Redis } from '../storage/redis';
import type { HealthDto } from './health.dto';

/** What is told of rooms while Redis, which counts them, is away. */
const NOBODY = { rooms: 0, occupied: 0, participants: 0, messages: 0 };
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
    private readonly nodes: Nodes,
    /** Undefined where there is none. */
    @Optional() @Inject(Redis) private readonly redis?: Redis,
  ) {}

  /** Answers without Redis, too: then nobody is counted. */
  async health(): Promise<HealthDto> {
    const { occupied, participants } = await this.orAway(() => this.rooms.totals(), NOBODY);
    return {
      status: this.drain.draining ? 'draining' : 'ok',
      timestamp: isoTime(this.clock.now()),
      uptime: Math.floor(process.uptime()),
      activeRooms: occupied,
      totalParticipants: participants,
      sessions: 0,
      redis: this.redis === undefined ? 'disabled' : this.redis.ready ? 'connected' : 'disconnected',
    };
  }

  /** Milliseconds of a round trip, to the hundredth; undefined without an answer, or without Redis. */
  async redisLatencyMs(): Promise<number | undefined> {
    const latency = await this.orAway<number | undefined>(() => this.redis?.latency(), undefined);
    return latency === undefined ? undefined : Math.round(latency * 100) / 100;
  }

  /** Dead nodes that this one took over since it started; undefined without Redis. */
  get takeovers(): number | undefined {
    return this.redis && this.nodes.takeovers;
  }

  async readiness(): Promise<Readiness> {
    const [latency, overdue] = await Promise.all([
      this.redisLatencyMs(),
      this.orAway(() => this.expiry.overdueMs(), Infinity),
    ]);
    const checks = {
      draining: check(!this.drain.draining),
      expiry: check(overdue <= MAX_OVERDUE_MS),
      ...(this.redis && { redis: check(latency !== undefined) }),
    };
    return { ready: Object.values(checks).every((state) => state === 'up'), checks };
  }

  /** What was asked for, or something else where Redis does not answer. */
  private async orAway<T>(ask: () => Awaitable<T>, otherwise: T): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (this.redis && error instanceof AppError && error.code === 'CapacityError') {
        return otherwise;
      }
      throw error;
    }
  }
}

function check(good: boolean): 'up' | 'down' {
  return good ? 'up' : 'down';
}
