import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A way to Redis that can be blocked or cut, for the nodes that use it and nobody else. */
export class RedisProxy {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private blocked = false;
  private down = false;

  private constructor(private readonly target: number) {
    this.server = createServer((client) => this.accept(client));
  }

  static async start(target: number): Promise<RedisProxy> {
    const proxy = new RedisProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** From now on nothing goes either way; connections stay, and what is sent waits. */
  block(): void {
    this.blocked = true;
    this.sockets.forEach((socket) => socket.pause());
  }

  /** Ends all connections and takes no new ones. */
  cut(): void {
    this.down = true;
    this.sockets.forEach((socket) => socket.destroy());
  }

  /** Everything is as before. */
  mend(): void {
    this.blocked = false;
    this.down = false;
    this.sockets.forEach((socket) => socket.resume());
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    if (this.down) {
      client.destroy();
      return;
    }
    const upstream = connect(this.target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (data) => to.write(data));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      if (this.blocked) {
        from.pause();
      }
    }
  }
}
