import { Inject, Injectable, type OnModuleInit, Optional } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { RoomStatistics } from '../../chat/room-statistics';
import type { Awaitable } from '../../common/awaitable';
import { ExpiryService } from '../../expiry/expiry.service';
import { Refusals } from '../../limits/refusals';
import { ConnectionGuard } from '../../realtime/connection-guard';
import { EventStatistics } from '../../realtime/event-statistics';
import { RealtimeServer } from '../../realtime/realtime-server';
import { SessionRegistry } from '../../realtime/session-registry';
import { Redis } from '../../storage/redis';
import { processMetrics } from './process-metrics';
import { askWorkers, tellWorkers } from './worker-metrics';

/** Around what is promised: 50 ms at p99, 250 ms at most, and 5 s, where readiness turns red (guarantees.md). */
const LAG_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const REDIS_STATES = ['connected', 'disconnected', 'disabled'];

type Value = [labels: Record<string, string>, value: number];

/** What this node tells Prometheus. Counters that live elsewhere are read when it asks: no event pays for them. */
@Injectable()
export class MetricsService implements OnModuleInit {
  /** A registry of its own: several applications may run in one process. */
  private readonly registry = new Registry();
  private readonly erasureLag: Histogram<'kind'>;
  /** Where the workers of a cluster find each other; undefined in a process that is no worker. */
  private workers: string | undefined;

  constructor(
    private readonly expiry: ExpiryService,
    private readonly sessions: SessionRegistry,
    private readonly realtime: RealtimeServer,
    private readonly connections: ConnectionGuard,
    private readonly events: EventStatistics,
    private readonly refusals: Refusals,
    private readonly rooms: RoomStatistics,
    @Optional() @Inject(Redis) private readonly redis?: Redis,
  ) {
    this.defineNode();
    this.defineStores();
    this.erasureLag = new Histogram({
      name: 'mayfly_erasure_lag_seconds',
      help: 'From a deadline until what it ends was freed, by kind of deadline. Messages: one for each room and sweep.',
      labelNames: ['kind'],
      buckets: LAG_BUCKETS_S,
      registers: [this.registry],
    });
  }

  /** The type of `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  onModuleInit(): void {
    this.expiry.onFreed((kind, latenessMs) => {
      for (const ms of latenessMs) {
        this.erasureLag.observe({ kind }, ms / 1000);
      }
    });
  }

  /**
   * From now on `text` tells of all workers that share a port, whichever is asked: they find each other in `folder`, and
   * `worker` is the label of this one.
   */
  async joinWorkers(folder: string, worker: string): Promise<void> {
    await tellWorkers(folder, worker, async () => [
      ...(await this.registry.getMetricsAsJSON()),
      ...(await processMetrics().getMetricsAsJSON()),
    ]);
    this.workers = folder;
  }

  /** All metrics in the text format of Prometheus. */
  async text(): Promise<string> {
    if (this.workers !== undefined) {
      return askWorkers(this.workers);
    }
    return `${await this.registry.metrics()}\n${await processMetrics().metrics()}`;
  }

  /** What is counted on this node: to be summed over nodes. */
  private defineNode(): void {
    this.gauge('mayfly_sockets', 'Authenticated sockets of this node.', () => this.sessions.size);
    this.gauge(
      'mayfly_connections',
      'Connections of this node, authenticated or not.',
      () => this.realtime.connectionCount,
    );
    this.counter(
      'mayfly_events_total',
      'Events of clients by name and outcome: ok, an error code, or unknown for names that nobody handles.',
      ['event', 'outcome'],
      () => this.eventTotals(),
    );
    this.counter('mayfly_rate_limited_total', 'Refusals because of an empty bucket.', ['bucket'], () =>
      [...this.refusals.totals()].map(([bucket, count]) => [{ bucket }, count]),
    );
    this.counter('mayfly_slow_readers_total', 'Connections closed because their client did not read.', [], () => [
      [{}, this.connections.slowReaders],
    ]);
    const redis: Gauge<'state'> = new Gauge({
      name: 'mayfly_redis_state',
      help: '1 for the state of the connection to Redis: connected, disconnected or disabled.',
      labelNames: ['state'],
      registers: [this.registry],
      collect: () => {
        const now = this.redis ? (this.redis.ready ? 'connected' : 'disconnected') : 'disabled';
        REDIS_STATES.forEach((state) => redis.set({ state }, state === now ? 1 : 0));
      },
    });
  }

  /** What the stores hold: with Redis every node tells the same, so not to be summed. */
  private defineStores(): void {
    this.gauge('mayfly_rooms', 'Rooms that stand.', async () => (await this.rooms.totals()).rooms);
    this.gauge(
      'mayfly_messages_stored',
      'Live messages but system messages.',
      async () => (await this.rooms.totals()).messages,
    );
    this.gauge('mayfly_message_bytes', 'Bytes of the records of all messages; NaN where they are not counted.', () =>
      this.rooms.messageBytes(),
    );
    this.gauge('mayfly_overdue_items', 'Items whose deadline has come and that are not freed yet.', () =>
      this.expiry.overdueCount(),
    );
  }

  private gauge(name: string, help: string, read: () => Awaitable<number | undefined>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.registry],
      collect: async () => gauge.set(await orUnknown(read)),
    });
  }

  private counter(name: string, help: string, labelNames: string[], read: () => Value[]): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        read().forEach(([labels, value]) => counter.inc(labels, value));
      },
    });
  }

  private eventTotals(): Value[] {
    return [...this.events.totals()].flatMap(([event, outcomes]) =>
      [...outcomes].map(([outcome, count]): Value => [{ event, outcome }, count]),
    );
  }
}

/** A store that does not answer must not take the other metrics with it: they are needed then. */
async function orUnknown(read: () => Awaitable<number | undefined>): Promise<number> {
  try {
    return (await read()) ?? NaN;
  } catch {
    return NaN;
  }
}
