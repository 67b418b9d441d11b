import type { Awaitable } from '../common/awaitable';
import type { MayflySocket } from './socket-session';

/** What has to be in place for a user before a socket of theirs exists, and until it is gone. */
export interface Arrival {
  /** Called in the handshake of each socket. @throws AppError, which refuses it */
  prepare(userId: string): Awaitable<void>;
  /** Undoes one `prepare`. */
  leave(userId: string): void;
}

/** Sockets from their handshake to their end: whoever prepared for one is told when it is gone, or never came. */
export class Arrivals {
  private readonly listeners: Arrival[] = [];
  /** Sockets whose handshake was let through and which do not exist yet: what ends that. */
  private readonly expected = new Map<MayflySocket, () => void>();

  add(listener: Arrival): void {
    this.listeners.push(listener);
  }

  /** Prepares for a socket. @throws AppError, and then there is nothing to undo */
  async prepare(socket: MayflySocket, userId: string): Promise<void> {
    const { conn } = socket;
    const prepared: Arrival[] = [];
    const undo = (): void => prepared.splice(0).forEach((listener) => listener.leave(userId));
    try {
      for (const listener of this.listeners) {
        await listener.prepare(userId);
        prepared.push(listener);
      }
    } catch (error) {
      undo();
      throw error;
    }
    if (conn.readyState !== 'open') {
      // Gone meanwhile: Socket.IO makes no socket of it, and says nothing.
      undo();
      return;
    }
    const gone = (): void => {
      this.expected.delete(socket);
      undo();
    };
    conn.once('close', gone);
    this.expected.set(socket, () => {
      this.expected.delete(socket);
      conn.off('close', gone);
    });
  }

  /** The socket exists. */
  came(socket: MayflySocket): void {
    this.expected.get(socket)?.();
  }

  /** A socket that existed is gone. */
  left(userId: string): void {
    for (const listener of this.listeners) {
      listener.leave(userId);
    }
  }
}
