import { Injectable, Logger } from '@nestjs/common';
import type { Server } from 'socket.io';
import { AppConfig } from '../config/app-config';
import { type OutgoingPacket, PacketBatcher } from './packet-batcher';
import type { MayflySocket } from './socket-session';
import { tcpSocketOf } from './tcp-socket';

type Connection = MayflySocket['conn'];

/** Engine.IO's frame type and WebSocket's header, roughly: an empty packet is not free. */
const PACKET_OVERHEAD = 8;
/** What a client gets to answer the end of its connection. */
const GOODBYE_MS = 1000;

/** Bounds what a connection may cost whose client does not read, or does not go. */
@Injectable()
export class ConnectionGuard {
  private readonly logger = new Logger(ConnectionGuard.name);
  private slowReaderCount = 0;

  constructor(private readonly config: AppConfig) {}

  /** Connections closed because their client did not read. */
  get slowReaders(): number {
    return this.slowReaderCount;
  }

  watch(server: Server): void {
    forgetGoodbyes(server);
    const batcher = new PacketBatcher();
    server.engine.on('connection', (connection: Connection) => this.boundUnsentBytes(connection, batcher));
  }

  /**
   * Unsent bytes sit in Engine.IO's write buffer, not in the WebSocket: counted when a packet is made, subtracted when
   * the buffer goes to the transport, which then holds back `flush` until it has written.
   */
  private boundUnsentBytes(connection: Connection, batcher: PacketBatcher): void {
    const most = this.config.env.SOCKET_MAX_BUFFERED;
    let queued = 0;
    let largest = 0;
    connection.on('packetCreate', (packet: OutgoingPacket) => {
      batcher.add(connection, packet);
      const size = sizeOf(packet);
      queued += size;
      largest = Math.max(largest, size);
      const unsent = queued + (tcpSocketOf(connection)?.writableLength ?? 0);
      if (unsent > most + largest) {
        this.slowReaderCount++;
        this.logger.warn({ bytes: unsent }, 'A connection that does not read was closed');
        const tcp = tcpSocketOf(connection);
        connection.close(true);
        // A WebSocket would wait half a minute for its client's goodbye, with all that is unsent.
        tcp?.destroy();
      }
    });
    connection.on('flush', () => {
      queued = 0;
      if (!tcpSocketOf(connection)?.writableLength) {
        largest = 0;
      }
    });
  }
}

type WebSocketServerClass = new (options: object) => object;

/**
 * A WebSocket that is closed waits half a minute for its client's goodbye, which a hostile one never says. engine.io does
 * not hand the option of `ws` on, and makes its server of it whenever the HTTP server begins to listen.
 */
function forgetGoodbyes({ engine }: Server): void {
  const { opts } = engine as unknown as { opts: { wsEngine: WebSocketServerClass } };
  opts.wsEngine = class extends opts.wsEngine {
    constructor(options: object) {
      super({ ...options, closeTimeout: GOODBYE_MS });
    }
  };
}

function sizeOf({ data, options }: OutgoingPacket): number {
  const frame = options.wsPreEncodedFrame?.[0];
  if (frame) {
    return frame.length;
  }
  if (typeof data === 'string') {
    return Buffer.byteLength(data) + PACKET_OVERHEAD;
  }
  return PACKET_OVERHEAD + (Buffer.isBuffer(data) ? data.length : 0);
}
