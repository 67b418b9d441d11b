import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Broadcaster } from '../realtime/broadcaster';
import { RealtimeGateway } from '../realtime/gateway.decorator';
import { SessionRegistry } from '../realtime/session-registry';
import { SocketCloser } from '../realtime/socket-closer';
import type { MayflySocket } from '../realtime/socket-session';
import { PresenceEvents } from './presence.events';
import { PresenceService } from './presence.service';

/** Tells a new socket who it is and the others that its user came, or went. */
@Injectable()
@RealtimeGateway({ namespace: '/' })
export class PresenceGateway implements OnModuleInit {
  constructor(
    private readonly presence: PresenceService,
    private readonly broadcaster: Broadcaster,
    private readonly sessions: SessionRegistry,
    private readonly closer: SocketCloser,
  ) {}

  onModuleInit(): void {
    this.sessions.onArrival({ prepare: (userId) => this.presence.admit(userId), leave: () => undefined });
  }

  async handleConnection(socket: MayflySocket): Promise<void> {
    const { userId, username, kind } = socket.data.identity;
    const isGuest = kind === 'guest';
    this.broadcaster.emitTo(socket, PresenceEvents.established, { userId, username, socketId: socket.id, isGuest });
    if (!(await this.presence.connect(userId, username, socket.id))) {
      this.closer.disconnect(socket);
    }
  }

  async handleDisconnect(socket: MayflySocket): Promise<void> {
    await this.presence.disconnect(socket.data.identity.userId, socket.id);
  }
}
