import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Redis as Client, type RedisOptions } from 'ioredis';
import { AppError } from '../common/app-error';
import { AppConfig } from '../config/app-config';

/** Writes are refused within three seconds of Redis' silence (guarantees.md). */
const COMMAND_TIMEOUT_MS = 2500;
const CONNECT_TIMEOUT_MS = 2000;
const MAX_RETRY_DELAY_MS = 500;

export type Argument = string | number | Buffer;
/** A Lua script that Redis runs as one step; `keys` come first in the arguments. */
export type Script = (keys: string[], args: Argument[]) => Promise<unknown>;

/** The connections of this node to Redis. Made only where `REDIS_URL` is set. */
@Injectable()
export class Redis implements OnApplicationShutdown {
  /** For commands. Use it through `run`, which turns failures into `CapacityError`. */
  readonly client: Client;
  private readonly logger = new Logger(Redis.name);
  private readonly clients: Client[] = [];
  private readonly prefix: string;
  private readonly url: string;
  private scripts = 0;

  constructor(config: AppConfig) {
    this.url = config.env.REDIS_URL ?? '';
    this.prefix = config.env.REDIS_PREFIX;
    this.client = this.connect();
  }

  /** Whether commands can be sent right now. */
  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** `<prefix>:<part>:<part>…` */
  key(...parts: string[]): string {
    return `${this.prefix}:${parts.join(':')}`;
  }

  /** Another connection, for subscriptions; it subscribes anew by itself after an outage. Quit with the application. */
  connect(options: RedisOptions = {}): Client {
    const client = new Client(this.url, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: 100,
      // A command that was under way when the connection broke may have been carried out: never send it twice.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: null,
      retryStrategy: (tries) => Math.min(tries * 50, MAX_RETRY_DELAY_MS),
      ...options,
    });
    client.on('error', (error: Error) => this.logger.warn({ reason: error.message }, 'Redis does not answer'));
    this.clients.push(client);
    return client;
  }

  /** Runs commands. @throws AppError CapacityError where Redis does not answer in time */
  async run<T>(commands: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await commands(this.client);
    } catch (error) {
      if (error instanceof AppError) {
        throw error;
      }
      this.logger.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'A Redis command failed');
      throw new AppError('CapacityError', 'The server is busy: please try again', { retryAfter: 1 });
    }
  }

  /** A script, loaded once and called by its hash. @throws AppError CapacityError where Redis does not answer in time */
  script(lua: string): Script {
    const name = `mayfly${this.scripts++}`;
    this.client.defineCommand(name, { lua });
    const command = (this.client as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>)[name];
    return (keys, args) =>
      this.run((client) => (command as NonNullable<typeof command>).call(client, keys.length, ...keys, ...args));
  }

  onApplicationShutdown(): void {
    for (const client of this.clients) {
      client.disconnect();
    }
  }
}
