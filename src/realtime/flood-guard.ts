import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'socket.io';
import { Clock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { boundPolledPackets } from './polled-packets';
import type { MayflySocket } from './socket-session';

type Connection = MayflySocket['conn'];

interface WebSocketLike {
  pause?(): void;
  resume?(): void;
  _receiver?: { _allowSynchronousEvents: boolean };
}

/** As Engine.IO's middlewares get it. */
type EngineRequest = IncomingMessage & { readonly _query?: Readonly<Record<string, string>> };

/** A connection that is not read. */
interface Paused {
  readonly connection: Connection;
  /** Lets the request in that waits with what its client sends by long polling. */
  admit?: () => void;
}

const PAUSE = 'flood';
/** How many times what a user may send a connection is read without a break. */
const PATIENCE = 4;
/** Tokens of the bucket of events that create nothing: see `EventLimits`. */
const OTHER_BURST = 100;
/** Events that are handled in one go where they were read in one go, a millisecond's worth. */
const AT_ONCE = 32;
/** Shorter than a client may stay silent: its answers to pings wait with the rest. */
const MAX_PAUSE_MS = 5000;

/**
 * Reads no more of a connection that sends far more than is allowed, for a while: of a WebSocket nothing, of a client
 * that polls not the next body. Each event past a limit is answered, which costs as much as one that is not: without
 * this, ten such connections were measured to make everyone else's p99 forty times as long. Nothing is lost, it waits
 * with the client.
 */
@Injectable()
export class FloodGuard {
  private readonly perMs: number;
  private readonly burst: number;
  private readonly paused = new Map<string, Paused>();

  constructor(
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    config: AppConfig,
    expiry: ExpiryService,
  ) {
    const { SOCKET_EVENTS_PER_MINUTE, SOCKET_EVENTS_BURST, SOCKET_OTHER_EVENTS_PER_MINUTE } = config.env;
    this.perMs = (PATIENCE * (SOCKET_EVENTS_PER_MINUTE + SOCKET_OTHER_EVENTS_PER_MINUTE)) / 60_000;
    this.burst = PATIENCE * (SOCKET_EVENTS_BURST + OTHER_BURST);
    expiry.own(PAUSE, (items) => items.forEach(({ key }) => this.goOn(key)));
  }

  watch(server: Server): void {
    server.engine.on('connection', (connection: Connection) => {
      boundPolledPackets(connection);
      this.count(connection);
    });
    server.engine.use((request: EngineRequest, response: ServerResponse, next: () => void) =>
      this.admit(request, response, next),
    );
  }

  private count(connection: Connection): void {
    let left = this.burst;
    let since = this.clock.now();
    // Packets that carry no event cost something as well.
    connection.on('packet', () => {
      left--;
      if (left >= this.burst - AT_ONCE) {
        return;
      }
      const now = this.clock.now();
      left = Math.min(this.burst, left + (now - since) * this.perMs);
      since = now;
      if (left < this.burst - AT_ONCE) {
        takeTurns(connection);
      }
      if (left < 0) {
        this.pause(connection, now + Math.min(MAX_PAUSE_MS, -left / this.perMs));
      }
    });
  }

  private pause(connection: Connection, until: number): void {
    const { id } = connection as unknown as { id: string };
    // What was read with the last event comes nevertheless, and makes the pause longer.
    this.queue.schedule(PAUSE, id, until);
    // Of one that was upgraded meanwhile it is another than before.
    webSocketOf(connection)?.pause?.();
    if (!this.paused.has(id)) {
      this.paused.set(id, { connection });
      connection.once('close', () => {
        this.queue.cancel(PAUSE, id);
        this.goOn(id);
      });
    }
  }

  private goOn(id: string): void {
    const paused = this.paused.get(id);
    this.paused.delete(id);
    if (paused) {
      webSocketOf(paused.connection)?.resume?.();
      paused.admit?.();
    }
  }

  /** Before a request reaches Engine.IO: one that brings what is not to be read yet waits, unread. */
  private admit(request: EngineRequest, response: ServerResponse, next: () => void): void {
    const paused = request.method === 'POST' ? this.paused.get(request._query?.sid ?? '') : undefined;
    if (!paused) {
      return next();
    }
    if (paused.admit) {
      // One at a time, as Engine.IO has it.
      response.writeHead(400).end();
      paused.connection.close(true);
      return;
    }
    const gone = (): void => {
      paused.admit = undefined;
      paused.connection.close(true);
    };
    request.once('close', gone);
    paused.admit = () => {
      request.off('close', gone);
      next();
    };
  }
}

/**
 * One event a turn of the event loop from now on: what was read in one go, up to 64 KiB, would keep everyone else
 * waiting for as long as it takes. It is an option of `ws`, but one for all connections, and costs each a bit.
 */
function takeTurns(connection: Connection): void {
  const receiver = webSocketOf(connection)?._receiver;
  if (receiver) {
    receiver._allowSynchronousEvents = false;
  }
}

/** Of a WebSocket transport; undefined for polling, whose requests wait one by one. */
function webSocketOf({ transport }: Connection): WebSocketLike | undefined {
  return (transport as unknown as { socket?: WebSocketLike }).socket;
}
