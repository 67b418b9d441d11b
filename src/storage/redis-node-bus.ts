import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Redis as Client } from 'ioredis';
import { Ids } from '../common/ids';
import { Listeners } from './listeners';
import { NodeBus } from './node-bus';
import { Redis } from './redis';

/** A subscription that died without a word is noticed by then. */
const HEARTBEAT_MS = 1000;
const HEARTBEAT_TIMEOUT_MS = 2000;

/** No channel has this name. */
const GAP = '';
const BUS = 'bus';

/** What goes over the wire, of all channels in one: a publishing node's messages come in its order. */
interface Envelope {
  /** Whose listeners have heard it already; absent: nobody's. */
  readonly node?: string;
  /** Absent: the node could not tell something, and nobody knows what. */
  readonly channel?: string;
  readonly message?: object;
}

/**
 * What a script has to `PUBLISH`, and where, for the listeners of a channel on all nodes, this one included: for what must
 * be told in the step that changes it.
 */
export function busMessage(redis: Redis, channel: string, message: object): [channel: string, text: string] {
  return [redis.key(BUS), JSON.stringify({ channel, message } satisfies Envelope)];
}

/**
 * Redis pub/sub. Listeners of the publishing node are called at once, whether or not Redis is there; those of others
 * when it reaches them. Neither Redis nor a node keeps a message: a subscription that broke, and a message that could
 * not be published, become a gap.
 */
@Injectable()
export class RedisNodeBus extends NodeBus {
  private readonly logger = new Logger(RedisNodeBus.name);
  private readonly listeners = new Listeners(this.logger);
  private readonly node: string;
  private readonly channel: string;
  private readonly subscriber: Client;
  /** A message of this node reached nobody: others must hear of it when they can. */
  private owesGap = false;
  private beating = false;

  constructor(
    private readonly redis: Redis,
    ids: Ids,
  ) {
    super();
    this.node = ids.id();
    this.channel = redis.key(BUS);
    this.subscriber = redis.connect({
      connectionName: 'bus',
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: HEARTBEAT_TIMEOUT_MS,
    });
    this.subscriber.on('ready', () => void this.listen());
    this.subscriber.on('message', (_channel: string, text: string) => this.receive(text));
  }

  override async publish(channel: string, message: object): Promise<void> {
    this.listeners.call(channel, message);
    await this.send({ node: this.node, channel, message });
  }

  override subscribe<T extends object>(channel: string, listener: (message: T) => void): void {
    this.listeners.add(channel, listener);
  }

  override onGap(listener: () => void): void {
    this.listeners.add(GAP, listener);
  }

  /** Finds out whether messages still come, and tells of a gap that others do not know of yet. */
  @Interval('bus-heartbeat', HEARTBEAT_MS)
  protected async beat(): Promise<void> {
    if (this.beating) {
      return;
    }
    this.beating = true;
    try {
      await Promise.all([this.checkSubscription(), this.payGap()]);
    } finally {
      this.beating = false;
    }
  }

  /**
   * What was said before now was missed, so this is a gap, the first time too. It is told when the stores can be asked
   * for what was missed.
   */
  private async listen(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.channel);
    } catch {
      this.reconnect();
      return;
    }
    await this.redis.connected();
    this.listeners.call(GAP, {});
  }

  private async checkSubscription(): Promise<void> {
    if (this.subscriber.status === 'ready') {
      await this.subscriber.ping().catch(() => this.reconnect());
    }
  }

  private async payGap(): Promise<void> {
    if (this.owesGap) {
      this.owesGap = false;
      await this.send({ node: this.node });
    }
  }

  private async send(envelope: Envelope): Promise<void> {
    try {
      await this.redis.run((client) => client.publish(this.channel, JSON.stringify(envelope)));
    } catch (error) {
      if (!this.owesGap) {
        this.logger.warn({ err: error }, 'Other nodes could not be told: they will look for it later');
      }
      this.owesGap = true;
    }
  }

  private receive(text: string): void {
    try {
      const { node, channel, message } = JSON.parse(text) as Envelope;
      if (node !== this.node) {
        this.listeners.call(channel ?? GAP, message ?? {});
      }
    } catch (error) {
      // Of somebody else who uses our prefix; a throw here would end the process.
      this.logger.warn({ err: error }, 'A message on the bus is none of ours');
    }
  }

  private reconnect(): void {
    if (this.subscriber.status === 'ready') {
      this.subscriber.disconnect(true);
    }
  }
}
