import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import request, { type Test } from 'supertest';

/** How long an event is waited for before the test says what did come. */
const EVENT_TIMEOUT_MS = 15_000;

type Payload = Record<string, unknown>;
export type AckBody = Payload & { success: boolean; code?: string; error?: string };

interface Received {
  readonly event: string;
  readonly payload: Payload;
}

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
}

let accounts = 0;

/** Registers a new account with a name of its own. */
export async function register(url: string, name = 'user'): Promise<Account> {
  const username = `${name}.${process.pid}.${accounts++}`;
  const credentials = { username, email: `${username}@example.com`, password: 'correct horse' };
  const { body, status } = await request(url).post('/api/auth/register').send(credentials);
  if (status !== 201) {
    throw new Error(`Registration answered ${status}: ${JSON.stringify(body)}`);
  }
  return { ...credentials, id: body.user.id as string, token: body.token as string };
}

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** A REST call with a Bearer token. */
export function call(url: string, token: string, method: Method, path: string): Test {
  return request(url)[method](path).set('Authorization', `Bearer ${token}`);
}

/** A `socket.io-client` that remembers everything it was sent, in order. */
export class TestClient {
  readonly received: Received[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly end: Promise<string>;

  private constructor(readonly socket: Socket) {
    this.end = new Promise((resolve) => socket.once('disconnect', resolve));
    socket.onAny((event: string, payload: Payload) => {
      this.received.push({ event, payload });
      for (const check of [...this.waiting]) {
        check();
      }
    });
  }

  /** Connects; rejects with what `connect_error` brought. */
  static connect(
    url: string,
    token: string | undefined,
    options: Partial<ManagerOptions & SocketOptions> = {},
    namespace = '/',
  ): Promise<TestClient> {
    const socket = io(`${url}${namespace === '/' ? '' : namespace}`, {
      auth: token === undefined ? {} : { token },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      ...options,
    });
    const client = new TestClient(socket);
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(client));
      socket.once('connect_error', (error) => {
        socket.close();
        reject(error);
      });
    });
  }

  /** Sends an event and gives its ack. */
  async emit(event: string, payload?: unknown): Promise<AckBody> {
    const timed = this.socket.timeout(EVENT_TIMEOUT_MS);
    return (await (payload === undefined ? timed.emitWithAck(event) : timed.emitWithAck(event, payload))) as AckBody;
  }

  /** The payloads of an event that came until now. */
  all(event: string): Payload[] {
    return this.received.filter((one) => one.event === event).map((one) => one.payload);
  }

  /** The first payload of an event, past or to come, that matches. */
  async next(event: string, matches: (payload: Payload) => boolean = () => true): Promise<Payload> {
    return this.until(() => this.all(event).find(matches), `${event}`);
  }

  /** Waits until `find` gives something. */
  until<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(check);
        const came = this.received.map((one) => one.event).join(', ') || 'nothing';
        reject(new Error(`${what} did not come; what came: ${came}`));
      }, EVENT_TIMEOUT_MS);
      const check = (): void => {
        const found = find();
        if (found !== undefined) {
          clearTimeout(timer);
          this.waiting.delete(check);
          resolve(found);
        }
      };
      this.waiting.add(check);
      check();
    });
  }

  /**
   * Waits until everything that the server sent to this socket before has come: events of one socket are answered in
   * order. For assertions that something did not come.
   */
  async settle(): Promise<void> {
    await this.emit('an event that nobody handles');
  }

  /** Waits for the end of the connection, past or to come, and gives its reason. */
  closed(): Promise<string> {
    return this.end;
  }

  close(): void {
    this.socket.close();
  }
}
