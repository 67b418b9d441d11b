import type { Socket as TcpSocket } from 'node:net';
import type { MayflySocket } from './socket-session';

/**
 * The TCP socket under a WebSocket transport; undefined for long polling, which has none of its own. Read from the
 * WebSocket, not from the connection's request: a browser's first request is a poll on another TCP connection.
 */
export function tcpSocketOf(connection: MayflySocket['conn']): TcpSocket | undefined {
  const transport = connection.transport as unknown as { socket?: { _socket?: TcpSocket | null } };
  return transport.socket?._socket ?? undefined;
}
