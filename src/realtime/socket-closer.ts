import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import type { MayflySocket } from './socket-session';

const LINGER = 'connection';
/** What a connection gets to take in its last packets. */
const LINGER_MS = 1000;

type Connection = MayflySocket['conn'];

/** The two ways in which the server ends a socket (contract, "How the server closes"). */
@Injectable()
export class SocketCloser {
  private readonly lingering = new Map<string, { connection: Connection; sockets: () => number }>();

  constructor(
    private readonly queue: LocalExpiryQueue,
    private readonly clock: Clock,
    expiry: ExpiryService,
  ) {
    expiry.own(LINGER, (items) => items.forEach(({ key }) => this.end(key)));
  }

  /** For reasons that a client should come back from: it reconnects by itself, and the handshake says why not. */
  closeTransport(socket: MayflySocket): void {
    socket.data.ended = true;
    socket.conn.close();
    // A reader that has stalled never takes in what is queued: the transport then ends without it.
    this.linger(socket.conn, () => 0);
  }

  /** For logout, revocation, erasure and abuse: clients stay away. */
  disconnect(socket: MayflySocket): void {
    if (socket.data.ended && socket.disconnected) {
      return;
    }
    socket.data.ended = true;
    socket.disconnect();
    this.closeWhenIdle(socket);
  }

  /** Closes the connection of a socket that is gone a second later, if nothing else is on it by then. */
  closeWhenIdle({ conn, client }: MayflySocket): void {
    if (conn.readyState === 'open') {
      // `sockets` is not in the public types; a second namespace on the connection keeps it open.
      const others = (client as unknown as { sockets: Map<string, unknown> }).sockets;
      this.linger(conn, () => others.size);
    }
  }

  private linger(connection: Connection, sockets: () => number): void {
    const { id } = connection as unknown as { id: string };
    this.lingering.set(id, { connection, sockets });
    this.queue.schedule(LINGER, id, this.clock.now() + LINGER_MS);
  }

  private end(id: string): void {
    const { connection, sockets } = this.lingering.get(id) ?? {};
    this.lingering.delete(id);
    if (connection && sockets?.() === 0 && connection.readyState !== 'closed') {
      connection.close(true);
    }
  }
}
