import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Redis as Client } from 'ioredis';
import { Redis } from './redis';
import { unavailable } from './redis-errors';

/** A subscription that died without a word is noticed by then. */
const HEARTBEAT_MS = 1000;
const TIMEOUT_MS = 2000;
/** Channels subscribed to at once after an outage. */
const CHUNK = 500;
const RETRY_MS = 200;
/** How long a connection is waited for that is not there. */
const PATIENCE_MS = 1000;

type TextListener = (text: string) => void;

/**
 * Channels of Redis that this node listens to, over one connection: for what scripts publish. Nothing is kept; who must
 * not miss anything makes up for an outage when `onResumed` says so.
 */
@Injectable()
export class RedisChannels {
  private readonly logger = new Logger(RedisChannels.name);
  private readonly listeners = new Map<string, TextListener>();
  private readonly resumedListeners: (() => Promise<void>)[] = [];
  private readonly client: Client;
  private connected = false;
  /** There was a connection, it broke, and what it missed has not been made up for. */
  private outage = false;

  constructor(redis: Redis) {
    this.client = redis.connect({
      connectionName: 'channels',
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      commandTimeout: TIMEOUT_MS,
    });
    this.client.on('ready', () => void this.resubscribe());
    this.client.on('close', () => {
      this.outage ||= this.connected;
      this.connected = false;
    });
    this.client.on('message', (channel: string, text: string) => this.receive(channel, text));
  }

  /**
   * Calls `listener` after an outage, when all channels are subscribed to again. It is called again, after another
   * connection, where it fails.
   */
  onResumed(listener: () => Promise<void>): void {
    this.resumedListeners.push(listener);
  }

  /**
   * What is published on the channel from when this ends on is heard by `listener`, until `unsubscribe`. One listener a
   * channel. @throws AppError CapacityError, and then it is heard once the connection is back, unless unsubscribed
   */
  async subscribe(channel: string, listener: TextListener): Promise<void> {
    this.listeners.set(channel, listener);
    try {
      await this.untilReady();
      // Who gave it up while there was no connection has unsubscribed before this would subscribe.
      if (this.listeners.get(channel) === listener) {
        await this.client.subscribe(channel);
      }
    } catch {
      this.reconnect();
      throw unavailable();
    }
  }

  unsubscribe(channel: string): void {
    this.listeners.delete(channel);
    // If this fails the connection breaks, and the next one does not have the channel.
    this.client.unsubscribe(channel).catch(() => this.reconnect());
  }

  @Interval('channels-heartbeat', HEARTBEAT_MS)
  protected async beat(): Promise<void> {
    if (this.client.status === 'ready') {
      await this.client.ping().catch(() => this.reconnect());
    }
  }

  private async resubscribe(): Promise<void> {
    try {
      const channels = [...this.listeners.keys()];
      for (let i = 0; i < channels.length; i += CHUNK) {
        await this.client.subscribe(...channels.slice(i, i + CHUNK));
      }
      this.connected = true;
      if (this.outage) {
        for (const listener of this.resumedListeners) {
          await listener();
        }
        this.outage = false;
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'What was missed could not be made up for yet');
      setTimeout(() => this.reconnect(), RETRY_MS).unref();
    }
  }

  private untilReady(): Promise<void> {
    const { client } = this;
    if (client.status === 'ready') {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        client.off('ready', settle);
        if (client.status === 'ready') {
          resolve();
        } else {
          reject(unavailable());
        }
      };
      const timer = setTimeout(settle, PATIENCE_MS);
      client.on('ready', settle);
    });
  }

  private receive(channel: string, text: string): void {
    try {
      this.listeners.get(channel)?.(text);
    } catch (error) {
      // Of somebody else who uses our prefix; a throw here would end the process.
      this.logger.warn({ err: error }, 'A message of a channel is none of ours');
    }
  }

  private reconnect(): void {
    if (this.client.status === 'ready') {
      this.client.disconnect(true);
    }
  }
}
