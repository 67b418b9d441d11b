import { createRequire } from 'node:module';
import { once } from 'node:events';
import { connect as tcpConnect, type Socket as TcpSocket } from 'node:net';

/** What is used here of a WebSocket of the package `ws`, which comes with socket.io's client. */
interface WebSocketLike {
  send(data: string | Buffer): void;
  terminate(): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): void;
  once(event: 'open' | 'close' | 'error' | 'unexpected-response', listener: (...args: never[]) => void): void;
}

const engineOfClient = createRequire(require.resolve('socket.io-client')).resolve('engine.io-client');
const WebSocketClass = createRequire(engineOfClient)('ws') as new (
  url: string,
  options?: { headers?: Record<string, string> },
) => WebSocketLike;

const PATH = '/socket.io/?EIO=4&transport=websocket';

/** A WebSocket that speaks Engine.IO by hand: whatever packet, well-formed or not. */
export class RawSocket {
  readonly received: string[] = [];
  /** When the connection has ended. */
  readonly closed: Promise<void>;
  private readonly waiting = new Set<() => void>();

  private constructor(readonly socket: WebSocketLike) {
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('message', (data, isBinary) => {
      const packet = isBinary ? `binary:${data.length}` : data.toString();
      if (packet === '2') {
        socket.send('3');
        return;
      }
      this.received.push(packet);
      [...this.waiting].forEach((check) => check());
    });
  }

  /** Opens a connection; rejects where the upgrade is refused. */
  static open(url: string, headers: Record<string, string> = {}): Promise<RawSocket> {
    const socket = new WebSocketClass(url.replace('http', 'ws') + PATH, { headers });
    const raw = new RawSocket(socket);
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(raw));
      socket.once('error', ((error: Error) => reject(error)) as () => void);
    });
  }

  /** Opens one and enters a namespace. */
  static async connect(url: string, token: string, namespace = '/'): Promise<RawSocket> {
    const raw = await RawSocket.open(url);
    raw.send(`40${namespace === '/' ? '' : `${namespace},`}${JSON.stringify({ token })}`);
    await raw.next((packet) => packet.startsWith('40'));
    return raw;
  }

  send(packet: string | Buffer): void {
    this.socket.send(packet);
  }

  /** The first packet, past or to come, that matches; rejects when the connection ends before it comes. */
  next(matches: (packet: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.received.find(matches);
        if (found !== undefined) {
          this.waiting.delete(check);
          resolve(found);
        }
      };
      this.waiting.add(check);
      void this.closed.then(() => reject(new Error(`Closed before; what came: ${this.received.join(' ')}`)));
      check();
    });
  }

  close(): void {
    this.socket.terminate();
  }
}

/** A client over plain TCP that stops reading after the handshake: what it is sent piles up at the server. */
export class StalledReader {
  private constructor(private readonly tcp: TcpSocket) {}

  /** Opens a WebSocket and says nothing more, not even goodbye. Resolves when the server has ended its TCP connection. */
  static async mute(url: string): Promise<void> {
    const tcp = await upgrade(url);
    tcp.resume();
    await once(tcp, 'end');
    tcp.destroy();
  }

  /** Connects, enters `/` with the token, waits for the answer, and reads no more. */
  static async connect(url: string, token: string): Promise<StalledReader> {
    const tcp = await upgrade(url);
    tcp.write(frame(`40${JSON.stringify({ token })}`));
    await read(tcp, 'connection:established');
    tcp.pause();
    return new StalledReader(tcp);
  }

  /** Reads again, until the end; gives how many bytes had piled up. */
  drain(): Promise<number> {
    return new Promise((resolve) => {
      let bytes = 0;
      this.tcp.on('data', (chunk) => (bytes += chunk.length));
      this.tcp.once('close', () => resolve(bytes));
      this.tcp.on('error', () => undefined);
      this.tcp.resume();
    });
  }

  close(): void {
    this.tcp.destroy();
  }
}

/** A TCP connection that has become a WebSocket. */
async function upgrade(url: string): Promise<TcpSocket> {
  const { hostname, port } = new URL(url);
  const tcp = tcpConnect({ host: hostname, port: Number(port) });
  const headers = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  const key = `Sec-WebSocket-Key: ${Buffer.alloc(16, 1).toString('base64')}`;
  tcp.write([`GET ${PATH} HTTP/1.1`, `Host: ${hostname}:${port}`, ...headers, key, '', ''].join('\r\n'));
  await read(tcp, '\r\n\r\n');
  return tcp;
}

/** Reads until this text has come. */
function read(tcp: TcpSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let came = '';
    const onData = (chunk: Buffer): void => {
      came += chunk.toString('latin1');
      if (came.includes(text)) {
        tcp.off('data', onData);
        resolve();
      }
    };
    tcp.on('data', onData);
    tcp.once('close', () => reject(new Error(`Closed; what came: ${came}`)));
  });
}

/** A masked text frame of less than 64 KiB; the mask is zero. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(payload.length < 126 ? 6 : 8);
  header[0] = 0x81;
  if (payload.length < 126) {
    header[1] = 0x80 | payload.length;
  } else {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, payload]);
}
