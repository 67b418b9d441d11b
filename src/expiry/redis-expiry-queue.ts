import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../common/clock';
import { Nodes } from '../nodes/nodes';
import { Redis, type Script } from '../storage/redis';
import { RedisChannels } from '../storage/redis-channels';
import { type DueItem, ExpiryQueue } from './expiry-queue';
import { CLAIM, LEASE, PEEK, SCHEDULE, SETTLE } from './expiry-scripts.lua';

/** Parts of the queue, each handed out by one node at a time. More than nodes, few enough to look at all of them. */
const SHARDS = 16;
/** How often leases are renewed, free shards taken, and the next deadlines looked at, should word of one be lost. */
const LEASE_TICK_MS = 500;
/** A killed node's shards are handed out by another after this, a tick and the next. */
const LEASE_MS = 2500;
/** A shard that nobody takes for so long is taken by whoever sees it: a node whose share it was is missing. */
const FORSAKEN_MS = 800;
/** What a lease may be. */
const OWN = 1;
const NOBODYS = 2;
/** What is said on the channel when a node has given up shards. */
const FREED = 'freed';

interface Shard {
  readonly number: number;
  owned: boolean;
  /** Since when it has been seen to be nobody's, `performance.now`; undefined: it is somebody's. */
  freeSince: number | undefined;
  /** The earliest deadline, epoch ms, as far as it is known here; Infinity for none. */
  next: number;
  /** The earliest that was heard of while an answer was under way, which may be older. */
  heard: number;
}

/**
 * Deadlines in Redis, in shards that the nodes share out by leases. A node claims from its own shards only, and only when
 * a deadline of theirs has come: it knows the next one, and is told by pub/sub of any that is earlier. Claimed items stay
 * on a second list until they are settled: those of a killed node are given back when another takes its shards over.
 */
@Injectable()
export class RedisExpiryQueue extends ExpiryQueue implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(RedisExpiryQueue.name);
  private readonly shards: readonly Shard[];
  private readonly base: string;
  private readonly channel: string;
  private readonly scheduleScript: Script;
  private readonly claimScript: Script;
  private readonly settleScript: Script;
  private readonly leaseScript: Script;
  private readonly peekScript: Script;
  private leasing: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly redis: Redis,
    private readonly channels: RedisChannels,
    private readonly nodes: Nodes,
    private readonly clock: Clock,
  ) {
    super();
    this.base = `${redis.key('{due}')}:`;
    this.channel = redis.key('due');
    this.shards = Array.from({ length: SHARDS }, (_, number) => {
      return { number, owned: false, freeSince: undefined, next: Infinity, heard: Infinity };
    });
    this.scheduleScript = redis.script(SCHEDULE);
    this.claimScript = redis.script(CLAIM);
    this.settleScript = redis.script(SETTLE);
    this.leaseScript = redis.script(LEASE);
    this.peekScript = redis.script(PEEK);
    nodes.onExpelled(() => this.shards.forEach((shard) => (shard.owned = false)));
  }

  async onModuleInit(): Promise<void> {
    // What is not heard for want of a connection is seen by the next look at the leases.
    await this.channels.subscribe(this.channel, (text) => this.hear(text)).catch(() => undefined);
    await this.nodes.confirm()?.catch(() => undefined);
    await this.tick();
  }

  /** Gives the shards back, so that others need not wait for the leases to end. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.leasing;
    this.stopped = true;
    await this.lease(0, []).catch(() => undefined);
  }

  override schedule(kind: string, key: string, at: number): Promise<void> {
    return this.put(kind, key, at, 0);
  }

  override scheduleSooner(kind: string, key: string, at: number): Promise<void> {
    return this.put(kind, key, at, 1);
  }

  override async cancel(kind: string, key: string): Promise<void> {
    const item = itemOf(kind, key);
    await this.redis.run((client) => client.zrem(`${this.base}at:${shardOf(item)}`, item));
  }

  override claim(limit: number): DueItem[] | Promise<DueItem[]> {
    const now = this.clock.now();
    // After an outage those who must know of it hear of it before anything is handed out.
    const mayClaim = this.nodes.inService && !this.stopped;
    const due = mayClaim ? this.shards.filter(({ owned, next }) => owned && next <= now) : [];
    return due.length === 0 ? [] : this.claimFrom(due, limit);
  }

  override async settle(items: readonly DueItem[]): Promise<void> {
    const entries = items.flatMap(({ kind, key, at }) => {
      const item = itemOf(kind, key);
      return [shardOf(item), `${at} ${item}`];
    });
    await this.settleScript([this.base], entries);
  }

  /** Of all shards, whoever has them. */
  override async nextDeadline(): Promise<number | undefined> {
    const [next] = await this.peek(0);
    return next ?? undefined;
  }

  override async overdueCount(now: number): Promise<number> {
    const [, count] = await this.peek(now);
    return count;
  }

  /** Renews the leases, gives up shards beyond this node's share, takes free ones up to it. Public for tests. */
  @Interval('expiry-leases', LEASE_TICK_MS)
  async tick(): Promise<void> {
    if (this.stopped || !this.nodes.inService) {
      return;
    }
    this.leasing ??= this.lookAtLeases()
      // The outage is in the log; until it is over the leases may have ended.
      .catch((error: unknown) => this.logger.warn({ err: error }, 'The leases of the expiry queue were not renewed'))
      .finally(() => (this.leasing = undefined));
    await this.leasing;
  }

  private async lookAtLeases(): Promise<void> {
    const longAgo = performance.now() - FORSAKEN_MS;
    const forsaken = this.shards.filter(({ freeSince = Infinity }) => freeSince < longAgo);
    const share = Math.ceil(SHARDS / this.nodes.count);
    await this.lease(
      share,
      forsaken.map(({ number }) => number),
    );
  }

  private async lease(share: number, forsaken: readonly number[]): Promise<void> {
    const { shards } = this;
    const args = [this.nodes.id, LEASE_MS, share, SHARDS, ...forsaken];
    const reply = await this.ask(shards, () => this.leaseScript([this.base], args) as Promise<(number | string)[]>);
    let freed = false;
    shards.forEach((shard, i) => {
      const [state, next] = reply.slice(2 * i, 2 * i + 2);
      freed ||= shard.owned && state === NOBODYS;
      shard.owned = state === OWN;
      shard.freeSince = state === NOBODYS ? (shard.freeSince ?? performance.now()) : undefined;
      this.learn(shard, String(next));
    });
    if (freed) {
      await this.redis.run((client) => client.publish(this.channel, FREED));
    }
  }

  private async claimFrom(due: readonly Shard[], limit: number): Promise<DueItem[]> {
    const args = [this.nodes.id, limit, ...due.map(({ number }) => number)];
    const [items, nexts] = await this.ask(
      due,
      () => this.claimScript([this.base], args) as Promise<[items: string[], nexts: string[]]>,
    );
    due.forEach((shard, i) => {
      const next = nexts[i] ?? '';
      shard.owned = next !== '0';
      this.learn(shard, next);
    });
    return items.flatMap((item, i) => (i % 2 === 0 ? dueItem(item, Number(items[i + 1])) : []));
  }

  private async put(kind: string, key: string, at: number, keepEarlier: 0 | 1): Promise<void> {
    const item = itemOf(kind, key);
    const shard = shardOf(item);
    const next = await this.scheduleScript([this.base], [shard, item, Math.ceil(at), keepEarlier, this.channel]);
    this.hearOf(shard, Number(next));
  }

  private peek(now: number): Promise<[next: number | null, count: number]> {
    return this.peekScript([this.base], [SHARDS, now]) as Promise<[number | null, number]>;
  }

  /** Asks Redis about shards; word of them that comes meanwhile may be newer than its answer. */
  private ask<T>(shards: readonly Shard[], script: () => Promise<T>): Promise<T> {
    for (const shard of shards) {
      shard.heard = Infinity;
    }
    return script();
  }

  private learn(shard: Shard, next: string): void {
    shard.next = Math.min(next === '' ? Infinity : Number(next), shard.heard);
  }

  private hear(text: string): void {
    if (text === FREED) {
      // A look that is under way may have come before it.
      void Promise.resolve(this.leasing).then(() => this.tick());
      return;
    }
    const [shard, at] = text.split(' ');
    this.hearOf(Number(shard), Number(at));
  }

  private hearOf(number: number, at: number): void {
    const shard = this.shards[number];
    if (shard) {
      shard.next = Math.min(shard.next, at);
      shard.heard = Math.min(shard.heard, at);
    }
  }
}

const itemOf = (kind: string, key: string): string => `${kind} ${key}`;

function dueItem(item: string, at: number): DueItem {
  const space = item.indexOf(' ');
  return { kind: item.slice(0, space), key: item.slice(space + 1), at };
}

/** The shard of an item: FNV-1a, 32 bits. */
function shardOf(item: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < item.length; i++) {
    value = Math.imul(value ^ item.charCodeAt(i), 0x01000193);
  }
  return (value >>> 0) % SHARDS;
}
