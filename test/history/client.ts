import { io, type Socket } from 'socket.io-client';
import type { Answer, Ask, AskEntry, ClientInfo, HistoryLog, Mode, Range, Shown, Status, Told } from './log';
import { RoomCopy } from './room-copy';
import { type Body, joinedOf, rest, type RestAnswer, sentOf, shownOf, textOf, time } from './wire';

/** An ack that takes longer is one that never came. Longer than any stall that the workload causes itself. */
const ACK_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5000;
const PAGE_LIMIT = 200;

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

/** One tab of a user: connects again and again, and writes everything it does and sees into the log. */
export class HistoryClient {
  readonly copy: RoomCopy;
  private socket: Socket | undefined;
  private node: Node | undefined;
  private conn = 0;
  private connecting: Promise<boolean> | undefined;

  constructor(
    readonly info: ClientInfo,
    private readonly token: string,
    private readonly log: HistoryLog,
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

  /** True where it is acked. */
  send(key: string, ttl: number | undefined, mode: Mode): Promise<boolean> {
    const special = { plain: {}, burn: { burn: true }, seen: { expireFrom: 'seen' } }[mode];
    const payload = { content: textOf(key), clientId: key, ...(ttl !== undefined && { ttl }), ...special };
    return this.emit('message:send', payload, { ask: 'send', key, ttl, mode }, (ack) => ({
      answer: 'sent',
      sent: sentOf(ack),
      serverTime: time(ack.serverTime),
    }));
  }

  /** Joins, with the point that the client rule gives, until there is no more; or without one. */
  async join(resume: boolean): Promise<boolean> {
    const point = resume ? this.copy.point : undefined;
    let again = false;
    const done = await this.emit('room:join', { ...point }, { ask: 'join', point }, (ack) => {
      const joined = joinedOf(ack, this.shown);
      again = point !== undefined && joined.more && !joined.gap;
      return { answer: 'joined', joined };
    });
    return done && again ? this.join(true) : done;
  }

  leave(): Promise<boolean> {
    return this.emit('room:leave', {}, { ask: 'leave' });
  }

  raise(range: Range, status: Status): Promise<boolean> {
    return this.emit('message:status', { ...range, status }, { ask: 'raise', range, status });
  }

  /** Gives an own message another text, by socket or REST. */
  async edit({ id, clientId = '' }: Shown, version: number, byRest: boolean): Promise<void> {
    const ask = { ask: 'edit', messageId: id, version } as const;
    const content = textOf(clientId, version);
    if (byRest) {
      return this.call('PATCH', `/messages/${id}`, { ...ask, call: true }, { content });
    }
    await this.emit('message:edit', { messageId: id, content }, ask);
  }

  /** Deletes an own message, by socket or REST. */
  async remove(messageId: string, byRest: boolean): Promise<void> {
    if (byRest) {
      return this.call('DELETE', `/messages/${messageId}`, { ask: 'remove', messageId, call: true });
    }
    await this.emit('message:delete', { messageId }, { ask: 'remove', messageId });
  }

  /** Asks for the text of a burn message. */
  reveal(messageId: string, revealId: string | undefined): Promise<boolean> {
    const payload = { messageId, ...(revealId !== undefined && { revealId }) };
    return this.emit('message:reveal', payload, { ask: 'reveal', messageId, revealId }, this.revealed);
  }

  /** The same by REST. */
  async revealByRest(messageId: string, revealId: string | undefined): Promise<void> {
    const asked = this.ask({ ask: 'reveal', messageId, revealId, call: true });
    const path = `/messages/${messageId}/reveal`;
    this.answerRest(asked, await this.rest('POST', path, revealId === undefined ? {} : { revealId }), this.revealed);
  }

  /** Waits until everything that the server wrote to this connection before is here. */
  async settle(): Promise<void> {
    await this.emit('an event that nobody handles', {}, { ask: 'settle' });
  }

  /** Reads history by REST; `final` when the run is over: what it shows is what the client must hold. */
  async page(final = false): Promise<void> {
    const asked = this.ask({ ask: 'page', call: true, final });
    const answer = await this.rest('GET', `/messages?limit=${PAGE_LIMIT}`);
    this.answerRest(asked, answer, (body) => ({
      answer: 'page',
      messages: (body.messages as Body[]).map(this.shown),
      more: body.hasMore === true,
    }));
  }

  /** Reads the list of rooms, which shows each one's last message. */
  async list(): Promise<void> {
    const asked = this.ask({ ask: 'list', call: true });
    const answer = await this.rest('GET', undefined);
    this.answerRest(asked, answer, ({ rooms }) => {
      const room = (rooms as Body[]).find(({ id }) => id === this.info.roomId);
      const last = room?.lastMessage as Body | null | undefined;
      return { answer: 'listed', lastId: last?.id as string | undefined, lastOpen: typeof last?.content === 'string' };
    });
  }

  /** Gives messages without a ttl of their own another one, which the server notes in the room. */
  async configure(messageTtl: number): Promise<void> {
    await this.call('PATCH', '', { ask: 'configure', call: true }, { settings: { messageTtl } });
  }

  /** Wipes the room. */
  async wipe(): Promise<void> {
    await this.call('DELETE', '', { ask: 'delete', call: true });
  }

  /** Takes a member out of the group. */
  kick(userId: string): Promise<void> {
    return this.call('DELETE', `/members/${userId}`, { ask: 'kick', userId, call: true });
  }

  /** Asks a user into the group. */
  invite(userId: string): Promise<void> {
    return this.call('POST', '/invites', { ask: 'invite', userId, call: true }, { userId });
  }

  /** Becomes a member of the group, where invited. */
  enter(): Promise<void> {
    return this.call('POST', '/join', { ask: 'enter', call: true });
  }

  private async call(method: 'POST' | 'PATCH' | 'DELETE', path: string, ask: Ask, body?: object): Promise<void> {
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
  private emit(event: string, payload: object, ask: Ask, answer?: (ack: Body) => Answer): Promise<boolean> {
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

  private rest(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string | undefined,
    body?: object,
  ): Promise<RestAnswer | undefined> {
    const whole = path === undefined ? '/api/chat/rooms' : `/api/chat/rooms/${this.info.roomId}${path}`;
    return rest(this.node?.url ?? '', method, whole, { token: this.token, ...(body && { body }) });
  }

  private answerRest(asked: AskEntry, answer: RestAnswer | undefined, read?: (body: Body) => Answer): void {
    if (!answer) {
      this.answer(asked, { answer: 'refused', code: 'gone' });
    } else if (answer.status >= 300) {
      this.answer(asked, refused(answer.body));
    } else {
      this.answer(asked, read?.(answer.body) ?? { answer: 'done' });
    }
  }

  private readonly shown = (body: Body): Shown => this.log.intern(shownOf(body));

  private readonly revealed = ({ message, expiresAt }: Body): Answer => ({
    answer: 'revealed',
    message: this.shown(message as Body),
    expiresAt: time(expiresAt),
  });

  private raw(): RawSocket | undefined {
    // Only where it is a WebSocket, and under Node; not among the declared types.
    const transport = this.socket?.io.engine?.transport as { ws?: RawSocket } | undefined;
    return transport?.ws;
  }

  private ask(ask: Ask): AskEntry {
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
