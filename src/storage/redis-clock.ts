import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Redis as Client } from 'ioredis';
import { Clock } from '../common/clock';
import { Redis } from './redis';

/** How often Redis is asked for its time. Quartz crystals drift by 0.1 ms a second at worst: 0.5 ms between two. */
export const SAMPLE_INTERVAL_MS = 5000;
const DRIFT = 1e-4;
/** Asked in a row with a new connection: the answer with the shortest way counts. */
const FIRST_SAMPLES = 5;
/** Small steps back are waited out, standing still. */
const MAX_STANDSTILL_MS = 1000;

interface Sample {
  /** Redis' time less ours (`performance.now`), ms. */
  readonly offset: number;
  /** By how much the offset may be wrong: half the round trip, ms. */
  readonly error: number;
  /** `performance.now`. */
  readonly at: number;
}

/**
 * Redis' time as this node knows it, so that all nodes and scripts set and compare deadlines by one clock. Between two
 * samples the monotonic clock carries it on. Never goes backwards, but where Redis' own clock was set back by more than
 * a second (or another machine took its place): standing still until then would take everything for expired.
 */
@Injectable()
export class RedisClock extends Clock implements OnModuleInit {
  private readonly logger = new Logger(RedisClock.name);
  private best: Sample | undefined;
  /** Added to `performance.now`. Until Redis answers for the first time this machine's clock has to do. */
  private offset = Date.now() - performance.now();
  private last = 0;
  private sampling = false;

  constructor(private readonly redis: Redis) {
    super();
    redis.onReady((client) => this.synchronize(client));
  }

  /** No request is served before the first sample, unless Redis cannot be reached: then none is carried out. */
  async onModuleInit(): Promise<void> {
    if (!this.best) {
      await this.tick();
    }
  }

  override now(): number {
    const now = Math.floor(performance.now() + this.offset);
    if (now >= this.last) {
      this.last = now;
    } else if (this.last - now > MAX_STANDSTILL_MS) {
      this.logger.error({ ms: this.last - now }, 'The clock of Redis went back');
      this.last = now;
    }
    return this.last;
  }

  /** Asks for the time once more. Public for tests. */
  @Interval('redis-clock', SAMPLE_INTERVAL_MS)
  async tick(): Promise<void> {
    if (this.sampling) {
      return;
    }
    this.sampling = true;
    try {
      await this.redis.run((client) => this.sample(client));
    } catch {
      // The outage is in the log. The next connection begins with a sample.
    } finally {
      this.sampling = false;
    }
  }

  private async synchronize(client: Client): Promise<void> {
    const first = this.best === undefined;
    for (let i = 0; i < FIRST_SAMPLES; i++) {
      await this.sample(client);
    }
    if (first) {
      // Nothing was served by this machine's clock.
      this.last = 0;
    }
  }

  private async sample(client: Client): Promise<void> {
    const sentAt = performance.now();
    const [seconds, microseconds] = await client.time();
    const at = performance.now();
    const error = (at - sentAt) / 2;
    this.take({ offset: Number(seconds) * 1000 + Number(microseconds) / 1000 - (sentAt + error), error, at });
  }

  /** The sample counts if it is the more exact one by now, or if the two cannot both be right. */
  private take(sample: Sample): void {
    const { best } = this;
    const aged = best ? best.error + (sample.at - best.at) * DRIFT : Infinity;
    const apart = best ? Math.abs(sample.offset - best.offset) : 0;
    if (sample.error <= aged || apart > sample.error + aged) {
      this.best = sample;
      this.offset = sample.offset;
    }
  }
}
