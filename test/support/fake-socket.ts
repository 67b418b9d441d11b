import type { TokenIdentity } from '../../src/auth/token.service';
import { type MayflySocket, SocketSession } from '../../src/realtime/socket-session';

/** What a socket was sent: an event and its payload. */
export type Sent = [event: string, payload: unknown];

let made = 0;

/** The part of a socket that the realtime core uses, without a connection. */
export class FakeSocket {
  readonly id: string;
  readonly rooms = new Set<string>();
  readonly sent: Sent[] = [];
  readonly data: SocketSession;
  readonly nsp: { readonly name: string };
  private middleware: ((packet: unknown[]) => void) | undefined;

  constructor(userId = 'alice', namespace = '/') {
    this.nsp = { name: namespace };
    this.id = `socket-${++made}`;
    const identity: TokenIdentity = {
      userId,
      username: userId,
      kind: 'account',
      role: 'user',
      tokenId: this.id,
      generation: 0,
      expiresAt: Infinity,
    };
    this.data = new SocketSession(identity, '127.0.0.1', 0);
  }

  get socket(): MayflySocket {
    return this as unknown as MayflySocket;
  }

  use(middleware: (packet: unknown[]) => void): void {
    this.middleware = middleware;
  }

  /** An event comes in from the client. */
  receive(event: string, ...args: unknown[]): void {
    this.middleware?.([event, ...args]);
  }

  emit(event: string, payload: unknown): void {
    this.sent.push([event, payload]);
  }

  join(room: string): void {
    this.rooms.add(room);
  }

  leave(room: string): void {
    this.rooms.delete(room);
  }
}
