import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis as Client, type RedisOptions } from 'ioredis';
import { AppConfig } from '../config/app-config';
import { OutageLog } from './outage-log';
import { understood, unavailable } from './redis-errors';
import { checkServer } from './server-check';

/** Whatever is asked of Redis is answered or refused by then: guarantees.md promises three seconds. */
const DEADLINE_MS = 2500;
/** Silence for this long while a command waits: the connection is given up and made anew. */
const COMMAND_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 2000;
/** How long callers wait for a connection that broke; then they are refused at once until it is back. */
const PATIENCE_MS = 1000;
const MAX_RETRY_DELAY_MS = 500;

const CONNECTION_OPTIONS: RedisOptions = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  disconnectTimeout: 100,
  // A command that was under way when the connection broke may have been carried out: never send it twice.
  autoResendUnfulfilledCommands: false,
  retryStrategy: (tries) => Math.min(tries * 50, MAX_RETRY_DELAY_MS),
};

const COMMAND_OPTIONS: RedisOptions = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  // What waits for an answer when the connection breaks fails then. What was refused must not be sent later.
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
};

export type Argument = string | number | Buffer;
/** A Lua script that Redis runs as one step. @throws AppError CapacityError where Redis does not answer in time */
export type Script = (keys: string[], args: Argument[]) => Promise<unknown>;
/** Done with every new connection before commands are let through. */
type Preparation = (client: Client) => Promise<void>;

/** The connections of this node to Redis. Made only where `REDIS_URL` is set. */
@Injectable()
export class Redis implements OnApplicationShutdown {
  /** For commands. Use it through `run`, which has a deadline and turns failures into `CapacityError`. */
  readonly client: Client;
  private readonly logger = new Logger(Redis.name);
  private readonly clients: Client[] = [];
  private readonly preparations: Preparation[] = [];
  private readonly prefix: string;
  private readonly url: string;
  private prepared = false;
  /** Whether the connection came before patience was over; asked while it is not there. */
  private expected: Promise<boolean> = Promise.resolve(false);
  private arrived: (ready: boolean) => void = () => undefined;
  private waiting: (() => void)[] = [];
  private connections = 0;
  private scripts = 0;

  constructor(config: AppConfig) {
    this.url = config.env.REDIS_URL ?? '';
    this.prefix = config.env.REDIS_PREFIX;
    this.onReady((client) => checkServer(client, this.logger, config.production));
    this.client = this.open(COMMAND_OPTIONS);
    const log = new OutageLog(this.logger, 'commands');
    log.watch(this.client);
    this.expect();
    this.client.on('ready', () => void this.prepare(log));
    this.client.on('close', () => this.lose());
    this.client.on('end', () => this.arrived(false));
  }

  /** Whether commands can be sent right now. */
  get ready(): boolean {
    return this.prepared && this.client.status === 'ready';
  }

  /** `<prefix>:<part>:<part>…`; what shares a slot has the same part in braces. */
  key(...parts: string[]): string {
    return `${this.prefix}:${parts.join(':')}`;
  }

  /**
   * Calls `prepare` with every new connection before commands are let through; if it fails the connection is made anew.
   * It gets the client because `run` waits for it.
   */
  onReady(prepare: Preparation): void {
    this.preparations.push(prepare);
  }

  /** Waits, however long it takes, until commands can be sent. */
  async connected(): Promise<void> {
    if (!this.ready) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /**
   * Another connection, for subscriptions. It has no deadlines: what it is asked waits until it is connected. Unless
   * told otherwise it subscribes anew after an outage. Ends with the application. The log knows it by its
   * `connectionName`.
   */
  connect(options: RedisOptions = {}): Client {
    const client = this.open({ maxRetriesPerRequest: null, ...options });
    const log = new OutageLog(this.logger, options.connectionName ?? 'subscriptions');
    log.watch(client);
    client.on('ready', () => log.restored());
    return client;
  }

  /**
   * Runs commands. Those that were sent when it throws may have been carried out or not.
   * @throws AppError CapacityError where Redis does not answer in time; mistakes of ours as they are
   */
  async run<T>(commands: (client: Client) => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(unavailable()), DEADLINE_MS);
    });
    try {
      return await Promise.race([this.ready ? commands(this.client) : this.runSoon(commands), deadline]);
    } catch (error) {
      this.giveUpStalled(error);
      throw understood(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** A script, loaded once a connection and called by its hash. */
  script(lua: string): Script {
    const name = `mayfly${this.scripts++}`;
    this.client.defineCommand(name, { lua });
    const command = Reflect.get(this.client, name) as (...args: Argument[]) => Promise<unknown>;
    return (keys, args) => this.run((client) => command.call(client, keys.length, ...keys, ...args));
  }

  /** Milliseconds that a round trip takes. @throws AppError CapacityError */
  async latency(): Promise<number> {
    const sentAt = performance.now();
    await this.run((client) => client.ping());
    return performance.now() - sentAt;
  }

  onApplicationShutdown(): void {
    for (const client of this.clients) {
      client.disconnect();
    }
  }

  private open(options: RedisOptions): Client {
    const client = new Client(this.url, { ...CONNECTION_OPTIONS, ...options });
    this.clients.push(client);
    return client;
  }

  private expect(): void {
    this.expected = new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), PATIENCE_MS);
      this.arrived = (ready) => {
        clearTimeout(timer);
        resolve(ready);
      };
    });
  }

  private async prepare(log: OutageLog): Promise<void> {
    const connection = ++this.connections;
    try {
      await Promise.all(this.preparations.map((prepare) => prepare(this.client)));
    } catch (error) {
      if (connection === this.connections) {
        this.logger.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'Redis could not be set up');
        this.reconnect();
      }
      return;
    }
    if (connection === this.connections) {
      this.prepared = true;
      this.arrived(true);
      this.waiting.splice(0).forEach((resolve) => resolve());
      log.restored();
    }
  }

  private lose(): void {
    this.connections++;
    if (this.prepared) {
      this.prepared = false;
      this.expect();
    }
  }

  private async runSoon<T>(commands: (client: Client) => Promise<T>): Promise<T> {
    if (!(await this.expected) || !this.ready) {
      throw unavailable();
    }
    return commands(this.client);
  }

  /** An answer that did not come in time: whoever asks next would wait in vain as well. */
  private giveUpStalled(error: unknown): void {
    if (error instanceof Error && error.message === 'Command timed out') {
      this.reconnect();
    }
  }

  private reconnect(): void {
    if (this.client.status === 'ready') {
      this.lose();
      this.client.disconnect(true);
    }
  }
}
