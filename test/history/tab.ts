import { io, type Socket } from 'socket.io-client';
import type { Answer, Ask, AskEntry, ClientInfo, HistoryLog, Shown, Status, Told } from './log';
import { RoomCopy } from './room-copy';
import { type Body, type Method, rest, type RestAnswer, shownOf, time } from './wire';

/** An ack that takes longer is one that never came. Longer than any stall that the workload causes itself. */
const ACK_TIMEOUT_MS = 45_000;
const CONNECT_TIMEOUT_MS = 5000;

/** A node to connect to. */
export interface Node {
  readonly index: number;
  readonly url: string;
}

/** What of the WebSocket under a connection is used to be a bad peer. */
interface RawSocket {
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** One tab of a user: connects again and again, and writes everything it asks and is told into the log. */
export abstract class Tab {
  readonly copy: RoomCopy;
  private socket: Socket | undefined;
  private node: Node | undefined;
  private conn = 0;
  private connecting: Promise<boolean> | undefined;

  constructor(
    readonly info: ClientInfo,
    private readonly token: string,
    protected readonly log: HistoryLog,
  ) {
    this.copy = new RoomCopy(info.userId);
    log.addClient(info);
  }

  get connected(): boolean {
    return this.socket?.connected === true;
  }

  /** True once connected. One connection at a time, whoever asks for it. */
  connect(node: Node, transports: ('polling' | 'websocket')[]): Promise<boolean> {
    if (this.connected) {
      return Promise.resolve(true);
    }
    this.connecting ??= this.open(node, transports).finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  /** Ends the connection without a word, as a tunnel does. */
  async drop(): Promise<void> {
    const { socket } = this;
    if (!socket?.connected) {
      return;
    }
    const ended = new Promise((resolve) => socket.once('disconnect', resolve));
    const raw = this.raw();
    if (raw) {
      raw.terminate();
    } else {
      socket.io.engine.close();
    }
    await ended;
  }

  /** Says goodbye. */
  close(): void {
    this.socket?.close();
  }

  /** Reads nothing until the function that it gives is called; undefined on a connection that cannot stop reading. */
  pause(): (() => void) | undefined {
    const raw = this.raw();
    raw?.pause();
    return raw && (() => raw.resume());
  }

  protected async call(method: Method, path: string, ask: Ask, body?: object): Promise<void> {
    const asked = this.ask(ask);
    this.answerRest(asked, await this.rest(method, path, body));
  }

  private open(node: Node, transports: ('polling' | 'websocket')[]): Promise<boolean> {
    // Of one that ends before it is let in Socket.IO tells no `connect_error`.
    let isIn = false;
    const socket = io(node.url, {
      auth: { token: this.token },
      transports,
      forceNew: true,
      reconnection: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    const conn = ++this.conn;
    this.socket = socket;
    this.node = node;
    this.listen(socket, conn);
    return new Promise((resolve) => {
      socket.on('disconnect', (reason) => {
        if (isIn) {
          this.tell(conn, { told: 'disconnect', reason });
        }
        resolve(false);
      });
      socket.once('connect', () => {
        isIn = true;
        this.tell(conn, { told: 'connect', node: node.index, socketId: socket.id ?? '' });
        resolve(true);
      });
      socket.once('connect_error', () => {
        socket.close();
        resolve(false);
      });
    });
  }

  private listen(socket: Socket, conn: number): void {
    this.on(socket, conn, 'message:new', (body) => ({ told: 'new', message: this.shown(body) }));
    this.on(socket, conn, 'message:edited', (body) => ({ told: 'edited', message: this.shown(body) }));
    this.on(socket, conn, 'message:deleted', (body) => ({ told: 'deleted', messageId: body.messageId as string }));
    this.on(socket, conn, 'message:expired', ({ messageIds, reason }) => ({
      told: 'expired',
      ids: messageIds as string[],
      reason: reason as string,
    }));
    this.on(socket, conn, 'room:kicked', () => ({ told: 'kicked' }));
    this.on(socket, conn, 'room:closed', (body) => ({ told: 'closed', reason: body.reason as string }));
    this.on(socket, conn, 'message:statusUpdated', ({ messageId, upToSeq, status, userId, expiresAt }) => ({
      told: 'status',
      range: typeof messageId === 'string' ? { messageId } : { upToSeq: upToSeq as number },
      status: status as Status,
      userId: userId as string,
      expiresAt: expiresAt === undefined ? undefined : time(expiresAt),
    }));
  }

  private on(socket: Socket, conn: number, event: string, told: (body: Body) => Told): void {
    const { roomId } = this.info;
    socket.on(event, (body: Body) => {
      const here = body.roomId === roomId;
      this.tell(conn, here ? told(body) : { told: 'foreign', event, roomId: String(body.roomId) });
    });
  }

  /**
   * Sends an event of the room and writes down what comes of it, within the callback of the ack: later it might stand
   * behind events that came after it.
   */
  protected emit(event: string, payload: object, ask: Ask, answer?: (ack: Body) => Answer): Promise<boolean> {
    const { socket } = this;
    if (!socket?.connected) {
      return Promise.resolve(false);
    }
    const asked = this.ask(ask);
    return new Promise((resolve) => {
      const whole = { roomId: this.info.roomId, ...payload };
      socket.timeout(ACK_TIMEOUT_MS).emit(event, whole, (error: Error | null, ack: Body) => {
        if (error) {
          this.answer(asked, { answer: 'refused', code: socket.connected ? 'timeout' : 'gone' });
          return resolve(false);
        }
        // An event without a handler is refused, and in its turn: all that a settle wants.
        const done = ack.success === true || ask.ask === 'settle';
        this.answer(asked, done ? (answer?.(ack) ?? { answer: 'done' }) : refused(ack));
        resolve(done);
      });
    });
  }

  protected rest(method: Method, path: string | undefined, body?: object): Promise<RestAnswer | undefined> {
    const whole = path === undefined ? '/api/chat/rooms' : `/api/chat/rooms/${this.info.roomId}${path}`;
    return rest(this.node?.url ?? '', method, whole, { token: this.token, ...(body && { body }) });
  }

  protected answerRest(asked: AskEntry, answer: RestAnswer | undefined, read?: (body: Body) => Answer): void {
    if (!answer) {
      this.answer(asked, { answer: 'refused', code: 'gone' });
    } else if (answer.status >= 300) {
      this.answer(asked, refused(answer.body));
    } else {
      this.answer(asked, read?.(answer.body) ?? { answer: 'done' });
    }
  }

  protected readonly shown = (body: Body): Shown => this.log.intern(shownOf(body));

  private raw(): RawSocket | undefined {
    // Only where it is a WebSocket, and under Node; not among the declared types.
    const transport = this.socket?.io.engine?.transport as { ws?: RawSocket } | undefined;
    return transport?.ws;
  }

  protected ask(ask: Ask): AskEntry {
    const entry = this.log.ask(this.info.name, this.conn, ask);
    this.copy.apply(entry);
    return entry;
  }

  private answer(to: AskEntry, answer: Answer): void {
    this.copy.apply(this.log.answer(to, answer));
  }

  private tell(conn: number, told: Told): void {
    this.copy.apply(this.log.tell(this.info.name, conn, told));
  }
}

function refused({ code }: Body): Answer {
  return { answer: 'refused', code: String(code) };
}
