import { io, type Socket } from 'socket.io-client';
import type { Node } from '../tab';
import { type Body, rest, textOf, time } from '../wire';
import type { Answer, Ask, AskEntry, ClientInfo, GhostLog, Told, Whisper } from './log';

const ACK_TIMEOUT_MS = 45_000;
const CONNECT_TIMEOUT_MS = 5000;
/** A connection that was lost touch with is ended for good after so long, ms: past the pings of the server. */
const STRANDED_MS = 25_000;

/** What the tabs of somebody share. */
export interface Keychain {
  /** The last `rejoinKey` that one of them was given. */
  key: string | undefined;
}

interface RawSocket {
  terminate(): void;
  pause(): void;
}

/** One tab in an anonymous room: comes and goes, and writes everything it does and sees into the log. */
export class GhostClient {
  /** Whether it is in the room, as far as it knows. */
  isIn = false;
  private socket: Socket | undefined;
  private node: Node | undefined;
  private conn = 0;
  private sent = 0;
  private readonly stranded: RawSocket[] = [];

  constructor(
    readonly info: ClientInfo,
    private readonly keys: Keychain,
    private readonly log: GhostLog,
  ) {
    log.addClient(info);
  }

  get connected(): boolean {
    return this.socket?.connected === true;
  }

  /** True once connected. */
  connect(node: Node): Promise<boolean> {
    const socket = io(`${node.url}/ghost`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    const conn = ++this.conn;
    [this.socket, this.node, this.isIn] = [socket, node, false];
    this.listen(socket, conn);
    let wasIn = false;
    return new Promise((resolve) => {
      socket.on('disconnect', (reason) => {
        if (wasIn && this.socket === socket) {
          this.isIn = false;
          this.log.tell(this.info.name, conn, { told: 'disconnect', reason });
        }
        resolve(false);
      });
      socket.once('connect', () => {
        wasIn = true;
        this.log.tell(this.info.name, conn, { told: 'connect', node: node.index });
        resolve(true);
      });
      socket.once('connect_error', () => {
        socket.close();
        resolve(false);
      });
    });
  }

  /** Ends the connection without a word. */
  async drop(): Promise<void> {
    const { socket } = this;
    if (socket?.connected) {
      const ended = new Promise((resolve) => socket.once('disconnect', resolve));
      this.tell(this.conn, { told: 'dropped' });
      this.isIn = false;
      this.raw()?.terminate();
      await ended;
    }
  }

  /** Loses touch with the connection: it stands, and nobody reads or answers on it. */
  strand(): void {
    const { socket } = this;
    if (socket?.connected) {
      const raw = this.raw();
      raw?.pause();
      this.tell(this.conn, { told: 'stranded' });
      [this.socket, this.isIn] = [undefined, false];
      if (raw) {
        this.stranded.push(raw);
        setTimeout(() => raw.terminate(), STRANDED_MS).unref();
      }
    }
  }

  close(): void {
    this.tell(this.conn, { told: 'dropped' });
    this.socket?.close();
    this.stranded.forEach((raw) => raw.terminate());
  }

  /** Comes into the room; `withKey`: as who it was before, where it was. */
  async enter(withKey: boolean): Promise<boolean> {
    const { userId: agentId, roomId: roomToken } = this.info;
    const rejoinKey = withKey ? this.keys.key : undefined;
    const payload = { roomToken, agentId, ...(rejoinKey !== undefined && { rejoinKey }) };
    const ask: Ask = { ask: 'enter', withKey: rejoinKey !== undefined };
    return this.emit('join-room', payload, ask, (ack) => {
      this.keys.key = ack.rejoinKey as string;
      this.isIn = true;
      return { answer: 'entered', participants: ack.participants as string[] };
    });
  }

  leave(): Promise<boolean> {
    this.isIn = false;
    return this.emit('leave-room', { roomToken: this.info.roomId }, { ask: 'leave' });
  }

  send(ttl: number): Promise<boolean> {
    const { name, userId: sender, roomId: roomToken } = this.info;
    const key = `${name}.${++this.sent}`;
    const payload = { roomToken, sender, message: textOf(key), ttl };
    return this.emit('send-message', payload, { ask: 'send', key, ttl }, ({ messageId, timestamp }) => ({
      answer: 'sent',
      id: messageId as string,
      createdAt: time(timestamp),
    }));
  }

  /** Waits until everything that the server wrote to this connection before is here. */
  settle(): Promise<boolean> {
    return this.emit('an event that nobody handles', {}, { ask: 'settle' });
  }

  /** Reads history by REST. */
  async page(): Promise<void> {
    const asked = this.ask({ ask: 'page', call: true });
    const answer = await rest(this.node?.url ?? '', 'GET', `/ghost/api/room/${this.info.roomId}/messages`);
    const messages = answer?.body.messages as Body[] | undefined;
    const code = answer ? String(answer.body.code) : 'gone';
    this.log.answer(
      asked,
      messages && answer?.status === 200
        ? { answer: 'page', messages: messages.map(whisperOf) }
        : { answer: 'refused', code },
    );
  }

  private listen(socket: Socket, conn: number): void {
    const on = (event: string, told: (body: Body) => Told): void => {
      socket.on(event, (body: Body) => {
        // What a stranded connection still had to say is read by nobody.
        if (this.socket === socket) {
          const isForeign = body.roomToken !== undefined && body.roomToken !== this.info.roomId;
          this.tell(conn, isForeign ? { told: 'foreign', event } : told(body));
        }
      });
    };
    on('room-joined', ({ participants }) => ({ told: 'room-joined', participants: participants as string[] }));
    on('participant-joined', ({ agentId }) => ({ told: 'came', agentId: agentId as string }));
    on('participant-left', ({ agentId }) => ({ told: 'went', agentId: agentId as string }));
    on('new-message', (body) => ({ told: 'new', message: whisperOf(body) }));
    on('message-expired', ({ messageId }) => ({ told: 'expired', id: messageId as string }));
  }

  /** Writes down what comes of an event within the callback of its ack. */
  private emit(event: string, payload: object, ask: Ask, answer?: (ack: Body) => Answer): Promise<boolean> {
    const { socket } = this;
    if (!socket?.connected) {
      return Promise.resolve(false);
    }
    const asked = this.ask(ask);
    return new Promise((resolve) => {
      socket.timeout(ACK_TIMEOUT_MS).emit(event, payload, (error: Error | null, ack: Body) => {
        if (error || this.socket !== socket) {
          const code = socket.connected && this.socket === socket ? 'timeout' : 'gone';
          this.log.answer(asked, { answer: 'refused', code });
          return resolve(false);
        }
        const done = ack.success === true || ask.ask === 'settle';
        if (!done && ack.code === 'AuthorizationError') {
          // Another tab is this one now.
          this.isIn = false;
        }
        this.log.answer(
          asked,
          done ? (answer?.(ack) ?? { answer: 'done' }) : { answer: 'refused', code: String(ack.code) },
        );
        resolve(done);
      });
    });
  }

  private raw(): RawSocket | undefined {
    // Only where it is a WebSocket, and under Node; not among the declared types.
    const transport = this.socket?.io.engine?.transport as { ws?: RawSocket } | undefined;
    return transport?.ws;
  }

  private ask(ask: Ask): AskEntry {
    return this.log.ask(this.info.name, this.conn, ask);
  }

  private tell(conn: number, told: Told): void {
    this.log.tell(this.info.name, conn, told);
  }
}

function whisperOf({ id, message, sender, timestamp, ttl }: Body): Whisper {
  const [key] = typeof message === 'string' ? message.split('/') : [];
  return {
    id: id as string,
    key: key !== undefined && message === textOf(key) ? key : undefined,
    sender: sender as string,
    createdAt: time(timestamp),
    ttl: ttl as number,
  };
}
