import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Ids } from '../common/ids';
import { Redis, type Script } from '../storage/redis';
import { Nodes, type TakeoverListener } from './nodes';

/** How often a node says that it lives. */
const BEAT_MS = 1500;
/** How long it is believed. A killed node's users go offline within 15 s: this, a beat, and the grace of presence. */
const LEASE_MS = 5000;
/** A node that got no word through for this long does nothing for the service until it has; that is an outage. */
const OUTAGE_MS = 3000;
/** How long a takeover is left to the node that began it; renewed with each beat while it is at work. */
const TAKEOVER_MS = 10_000;

const BEAT = `
local alive, dying, id = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '0' and not redis.call('ZSCORE', alive, id) then
  -- What it registered under this name since then goes with the rest.
  redis.call('ZADD', dying, 0, id)
  return false
end
redis.call('ZADD', alive, now + ${LEASE_MS}, id)
local gone = ARGV[4]
if gone ~= '' then
  redis.call('ZADD', dying, 'XX', now + ${TAKEOVER_MS}, gone)
elseif ARGV[3] == '1' then
  gone = redis.call('ZRANGEBYSCORE', alive, '-inf', now, 'LIMIT', 0, 1)[1]
    or redis.call('ZRANGEBYSCORE', dying, '-inf', now, 'LIMIT', 0, 1)[1]
  if gone then
    redis.call('ZREM', alive, gone)
    redis.call('ZADD', dying, now + ${TAKEOVER_MS}, gone)
  end
end
return { redis.call('ZCOUNT', alive, now, '+inf'), gone or '' }
`;

/**
 * Nodes by leases in Redis: each says every 1.5 s that it lives; one that has not for 5 s is taken over by a node that
 * got its own word through all that time, so that a stall of Redis, or its return, makes nobody take over anybody.
 */
@Injectable()
export class RedisNodes extends Nodes implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(RedisNodes.name);
  private readonly takeoverListeners: TakeoverListener[] = [];
  private readonly expelledListeners: (() => void)[] = [];
  private readonly returnListeners: (() => void)[] = [];
  private readonly beat: Script;
  private readonly keys: string[];
  private name: string;
  /** No beat of this name has come through yet. */
  private isNew = true;
  private nodeCount = 1;
  private takeoverCount = 0;
  /** The node whose takeover is under way here; '' without. */
  private takingOver = '';
  /** Times of `performance.now`. */
  private lastBeat = -Infinity;
  private steadySince = Infinity;
  private beating: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly redis: Redis,
    private readonly ids: Ids,
  ) {
    super();
    this.name = ids.id();
    this.beat = redis.script(BEAT);
    this.keys = [redis.key('{nodes}', 'alive'), redis.key('{nodes}', 'dying')];
  }

  override get id(): string {
    return this.name;
  }

  override get takeovers(): number {
    return this.takeoverCount;
  }

  override get inService(): boolean {
    return performance.now() - this.lastBeat < OUTAGE_MS && !this.stopped;
  }

  override get count(): number {
    return this.nodeCount;
  }

  override onTakeover(listener: TakeoverListener): void {
    this.takeoverListeners.push(listener);
  }

  override onExpelled(listener: () => void): void {
    this.expelledListeners.push(listener);
  }

  override onReturn(listener: () => void): void {
    this.returnListeners.push(listener);
  }

  async onModuleInit(): Promise<void> {
    await this.tick();
  }

  /** Makes others take over at once whatever this node could not give back. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.tick();
    this.stopped = true;
    await this.redis.run((client) => client.zadd(this.keys[0] ?? '', 'XX', 0, this.name)).catch(() => undefined);
  }

  /** Says that this node lives and looks for nodes that do not. Public for tests. */
  @Interval('node-beat', BEAT_MS)
  async tick(): Promise<void> {
    try {
      await this.confirm();
    } catch {
      // The outage is in the log.
      this.steadySince = Infinity;
    }
  }

  /** Calls at the same time share one beat. */
  override confirm(): Promise<void> {
    this.beating ??= this.run().finally(() => (this.beating = undefined));
    return this.beating;
  }

  private async run(): Promise<void> {
    if (this.stopped) {
      return;
    }
    const sentAt = performance.now();
    const steady = sentAt - this.steadySince >= LEASE_MS;
    const args = [this.name, this.isNew ? 1 : 0, steady ? 1 : 0, this.takingOver];
    const answer = (await this.beat(this.keys, args)) as [count: number, gone: string] | null;
    this.notice(sentAt);
    if (!answer) {
      this.expelled();
      return;
    }
    this.isNew = false;
    const [count, gone] = answer;
    this.nodeCount = count;
    if (gone !== '' && gone !== this.takingOver) {
      this.takingOver = gone;
      void this.takeOver(gone);
    }
  }

  private notice(sentAt: number): void {
    const silentMs = sentAt - this.lastBeat;
    if (silentMs >= OUTAGE_MS) {
      this.steadySince = sentAt;
      if (silentMs < Infinity) {
        this.returnListeners.forEach((listener) => listener());
      }
    } else if (this.steadySince === Infinity) {
      this.steadySince = sentAt;
    }
    this.lastBeat = performance.now();
  }

  private expelled(): void {
    const was = this.name;
    this.name = this.ids.id();
    this.isNew = true;
    this.logger.warn({ was, now: this.name }, 'The other nodes took this one for dead, or Redis lost everything');
    this.expelledListeners.forEach((listener) => listener());
  }

  private async takeOver(gone: string): Promise<void> {
    this.logger.warn({ node: gone }, 'A node is gone: taking over');
    try {
      for (const listener of this.takeoverListeners) {
        await listener(gone);
      }
      await this.redis.run((client) => client.zrem(this.keys[1] ?? '', gone));
      this.takeoverCount++;
    } catch (error) {
      this.logger.error({ err: error, node: gone }, 'A takeover failed and will be tried again');
    } finally {
      this.takingOver = '';
    }
  }
}
