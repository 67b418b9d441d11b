import type { IncomingMessage } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Server, type ServerOptions } from 'socket.io';
import { ProxyNotice } from '../common/http/proxy-notice';
import { AppConfig } from '../config/app-config';
import { Redis } from '../storage/redis';
import { boundedParser } from './bounded-parser';
import { redisAdapter } from './redis-adapter';
import { RealtimeServer } from './realtime-server';

/** Sockets of a client whose handshake is under way when the server is told to stop. */
type AllowCallback = (error: string | null | undefined, allow: boolean) => void;

/**
 * Makes the one Socket.IO server. Nest's own binding of connections and handlers is left out: `RealtimeServer` attaches
 * one dispatcher a socket instead of one closure a socket and event (220 KiB a socket at 45 events, measured).
 */
export class RealtimeAdapter extends IoAdapter {
  private readonly config: AppConfig;
  private readonly proxies: ProxyNotice;
  private readonly realtime: RealtimeServer;
  private readonly redis: Redis | undefined;

  constructor(app: INestApplication) {
    super(app);
    this.config = app.get(AppConfig);
    this.proxies = app.get(ProxyNotice);
    this.realtime = app.get(RealtimeServer);
    this.redis = app.get(Redis);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const server = super.createIOServer(port, { ...options, ...this.options() }) as Server;
    if (this.redis) {
      server.adapter(redisAdapter(this.redis));
    }
    this.realtime.start(server);
    return server;
  }

  override bindClientConnect(): void {}

  override bindClientDisconnect(): void {}

  override bindMessageHandlers(): void {}

  private options(): Partial<ServerOptions> {
    const { env } = this.config;
    return {
      path: '/socket.io',
      serveClient: false,
      parser: boundedParser,
      maxHttpBufferSize: env.SOCKET_MAX_PAYLOAD,
      pingInterval: env.SOCKET_PING_INTERVAL_MS,
      pingTimeout: env.SOCKET_PING_TIMEOUT_MS,
      connectTimeout: env.SOCKET_CONNECT_TIMEOUT_MS,
      perMessageDeflate: false,
      cors: {
        origin: (origin, answer) => answer(null, this.config.allowsOrigin(origin)),
        credentials: true,
      },
      // CORS does not stop a WebSocket: the origin is checked for every handshake.
      allowRequest: (request: IncomingMessage, answer: AllowCallback) => {
        this.proxies.look(request);
        if (!this.config.allowsOrigin(request.headers.origin)) {
          answer('Origin not allowed', false);
        } else if (this.realtime.draining) {
          answer('The server is stopping', false);
        } else {
          answer(null, true);
        }
      },
    };
  }
}
