import type { Socket as TcpSocket } from 'node:net';
import { textFrame } from './packet-encoding';
import type { MayflySocket } from './socket-session';

type Connection = MayflySocket['conn'];

/** What is used of Engine.IO's WebSocket transport beyond its types. */
interface WebSocketTransport {
  readonly name: string;
  readonly readyState: string;
  readonly socket?: { readonly _socket?: TcpSocket | null };
  writable: boolean;
  emit(event: 'ready'): void;
}

/** A connection whose transport waits for the end of the tick. */
interface Held {
  readonly transport: WebSocketTransport;
  readonly writeBuffer: readonly unknown[];
}

/** A packet of Engine.IO, before it is queued. */
export interface OutgoingPacket {
  readonly type: string;
  readonly data?: unknown;
  options: {
    readonly compress?: boolean;
    /** The frame or its header and payload, where it is made already: shared by all who get the packet. */
    readonly wsPreEncodedFrame?: Buffer[];
  };
}

/**
 * Sends all packets that one client gets within one tick at once: its transport says that it is not ready until the
 * end of the tick, and then writes what has come together in one system call. Each packet is one buffer, not a header
 * and a payload. Long polling, whose answers are as many packets as there are, stays as it is.
 */
export class PacketBatcher {
  private held: Held[] = [];
  private readonly release = (): void => {
    const held = this.held;
    this.held = [];
    for (const { transport, writeBuffer } of held) {
      // One that is being closed sends no more.
      if (transport.readyState === 'open') {
        const tcp = writeBuffer.length > 1 ? transport.socket?._socket : undefined;
        tcp?.cork();
        transport.writable = true;
        transport.emit('ready');
        tcp?.uncork();
      }
    }
  };

  /** Called for each packet that Engine.IO makes, before it is queued. */
  add(connection: Connection, packet: OutgoingPacket): void {
    const held = connection as unknown as Held;
    const { transport } = held;
    if (transport.name !== 'websocket') {
      return;
    }
    encode(packet);
    if (transport.writable) {
      transport.writable = false;
      if (this.held.push(held) === 1) {
        setImmediate(this.release);
      }
    }
  }
}

/** Makes the packet's frame, one buffer. */
function encode(packet: OutgoingPacket): void {
  const { compress, wsPreEncodedFrame: frame } = packet.options;
  if (frame) {
    if (frame.length > 1) {
      frame.splice(0, frame.length, Buffer.concat(frame));
    }
  } else if (packet.type === 'message' && typeof packet.data === 'string') {
    // Options of their own: those that come may be shared with the attachments that follow a text.
    packet.options = { compress, wsPreEncodedFrame: [textFrame(packet.data)] };
  }
}
