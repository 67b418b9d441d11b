import { io, type Socket } from 'socket.io-client';

interface Told {
  readonly id: string;
  readonly seq: number;
  readonly roomId: string;
  readonly content: string;
}

interface Joined {
  readonly success: boolean;
  readonly messages: Told[];
  readonly lastSeq: number;
  readonly epoch: string;
  readonly gap: boolean;
  readonly more?: boolean;
}

const ACK_TIMEOUT_MS = 4000;
const RETRY_MS = 100;

/**
 * A client that does what the contract asks of one (chat.md, Resume): it joins, comes back whenever its connection ends,
 * and goes on where it was. It notes each message when it comes to know of it.
 */
export class FaithfulClient {
  /** Seqs in the order in which they became known, of the present epoch. */
  readonly known: number[] = [];
  /** Times that it had to start anew. */
  gaps = 0;
  /** Connections that it had. */
  connections = 0;
  private readonly socket: Socket;
  private since = 0;
  private epoch: string | undefined;
  private counting = false;
  /** What a join without a resume point brought: waiting messages of it come again. */
  private readonly repeats = new Set<number>();

  constructor(
    url: string,
    token: string,
    private readonly roomId: string,
  ) {
    this.socket = io(url, { auth: { token }, transports: ['websocket'], forceNew: true, reconnectionDelayMax: 300 });
    this.socket.on('connect', () => {
      this.connections++;
      void this.join();
    });
    this.socket.on('disconnect', () => (this.counting = false));
    this.socket.on('message:new', (message: Told) => {
      if (message.roomId === roomId && this.counting) {
        this.take(message.seq);
      }
    });
  }

  get connected(): boolean {
    return this.socket.connected && this.counting;
  }

  close(): void {
    this.socket.close();
  }

  private async join(): Promise<void> {
    const from = this.epoch === undefined ? {} : { since: this.since, epoch: this.epoch };
    const { id } = this.socket;
    try {
      // The ack is taken in where it stands among the events.
      const more = await new Promise<boolean>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('No ack')), ACK_TIMEOUT_MS);
        this.socket.emit('room:join', { roomId: this.roomId, ...from }, (joined: Joined) => {
          clearTimeout(timer);
          if (joined.success) {
            resolve(this.joined(joined));
          } else {
            reject(new Error('Refused'));
          }
        });
      });
      if (more) {
        void this.join();
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (this.socket.connected && this.socket.id === id) {
        void this.join();
      }
    }
  }

  private joined({ gap, epoch, messages, lastSeq, more = false }: Joined): boolean {
    if (gap) {
      this.gaps++;
      this.known.length = 0;
    }
    const anew = this.epoch === undefined;
    this.epoch = epoch;
    for (const { seq } of messages) {
      this.known.push(seq);
      if (anew) {
        this.repeats.add(seq);
      }
    }
    this.since = lastSeq;
    this.counting = !more;
    return more;
  }

  private take(seq: number): void {
    if (seq > this.since) {
      this.known.push(seq);
      this.since = seq;
    } else if (!this.repeats.delete(seq)) {
      // One too many: never equal to what is expected.
      this.known.push(-seq);
    }
  }
}
