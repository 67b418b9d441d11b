import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { Namespace, Server } from 'socket.io';
import { type Awaitable, isPromise } from '../common/awaitable';
import { Clock } from '../common/clock';
import { AddressLimit } from './address-limit';
import { ConnectionGuard } from './connection-guard';
import { Dispatcher } from './dispatcher';
import { EventLimits } from './event-limits';
import { EventStatistics } from './event-statistics';
import { FloodGuard } from './flood-guard';
import { type ConnectionHooks, HandlerMap, type NamespaceHandlers } from './handler-map';
import { Handshake } from './handshake';
import { SessionRegistry } from './session-registry';
import { SocketCloser } from './socket-closer';
import type { MayflySocket } from './socket-session';
import { userRoom } from './socket-rooms';

/** The Socket.IO server of this node: its namespaces, dispatchers and connections. */
@Injectable()
export class RealtimeServer implements OnApplicationBootstrap {
  private readonly logger = new Logger(RealtimeServer.name);
  private readonly dispatchers: Dispatcher[] = [];
  private server: Server | undefined;
  private isDraining = false;
  private hooksRunning = 0;

  constructor(
    private readonly handlerMap: HandlerMap,
    private readonly handshake: Handshake,
    private readonly sessions: SessionRegistry,
    private readonly addresses: AddressLimit,
    private readonly connections: ConnectionGuard,
    private readonly floods: FloodGuard,
    private readonly limits: EventLimits,
    private readonly closer: SocketCloser,
    private readonly statistics: EventStatistics,
    private readonly clock: Clock,
  ) {}

  /** @throws Error before the application has made its server */
  get io(): Server {
    if (!this.server) {
      throw new Error('The Socket.IO server does not exist yet');
    }
    return this.server;
  }

  /** True once the server is stopping: no new connection is let in. */
  get draining(): boolean {
    return this.isDraining;
  }

  /** Events whose handlers have not answered yet. */
  get inFlight(): number {
    return this.dispatchers.reduce((sum, dispatcher) => sum + dispatcher.inFlight, 0);
  }

  /** Connection hooks that are not done yet: what sockets that are gone leave to be tidied up. */
  get hooksAtWork(): number {
    return this.hooksRunning;
  }

  /** Connections of this node, authenticated or not. */
  get connectionCount(): number {
    return this.server?.engine.clientsCount ?? 0;
  }

  start(server: Server): void {
    this.server = server;
    this.addresses.watch(server);
    this.connections.watch(server);
    this.floods.watch(server);
    // Whatever namespace comes to be, nobody enters it without a token, but where a gateway says so.
    this.handshake.protect(server.of('/'));
    server.on('new_namespace', (namespace: Namespace) => this.handshake.protect(namespace));
  }

  onApplicationBootstrap(): void {
    for (const found of this.handlerMap.build()) {
      if (found.anonymous) {
        this.handshake.open(found.namespace);
      }
      if (found.refusal !== undefined) {
        this.handshake.refuseWith(found.namespace, found.refusal);
      }
      this.serve(this.io.of(found.namespace), found);
    }
  }

  /** Lets no one in any more. Connections stay until `closeAll`. */
  drain(): void {
    this.isDraining = true;
  }

  /** Ends every connection at once; clients come back by themselves. */
  closeAll(): void {
    // `clients` is protected in the types, but there is no other list of all connections.
    const { clients } = this.io.engine as unknown as { clients: Record<string, MayflySocket['conn']> };
    for (const connection of Object.values(clients)) {
      connection.close();
    }
  }

  private serve(namespace: Namespace, found: NamespaceHandlers): void {
    const { clock, limits, closer, statistics } = this;
    const dispatcher = new Dispatcher(found, { clock, limits, closer, statistics });
    this.dispatchers.push(dispatcher);
    namespace.on('connection', (raw) => {
      const socket = raw as MayflySocket;
      // An event named `error` from a client would end the process without a listener.
      socket.on('error', ignore);
      socket.on('disconnect', () => {
        socket.data.ended = true;
        this.sessions.remove(socket);
        this.closer.closeWhenIdle(socket);
        this.runHooks(found.hooks, 'handleDisconnect', socket);
      });
      if (!found.anonymous) {
        void socket.join(userRoom(socket.data.identity.userId));
      }
      dispatcher.attach(socket);
      if (this.sessions.add(socket)) {
        this.runHooks(found.hooks, 'handleConnection', socket);
      }
    });
  }

  private runHooks(hooks: readonly ConnectionHooks[], name: keyof ConnectionHooks, socket: MayflySocket): void {
    for (const hook of hooks) {
      try {
        const done = hook[name]?.(socket) as Awaitable<void> | undefined;
        if (done && isPromise(done)) {
          this.hooksRunning++;
          void done.catch((error: unknown) => this.hookFailed(name, error)).finally(() => this.hooksRunning--);
        }
      } catch (error) {
        this.hookFailed(name, error);
      }
    }
  }

  private hookFailed(name: string, error: unknown): void {
    this.logger.error({ err: error, hook: name }, 'A connection hook failed');
  }
}

function ignore(): void {}
