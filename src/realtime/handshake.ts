import { Injectable, Logger } from '@nestjs/common';
import type { ExtendedError, Namespace } from 'socket.io';
import { TokenService } from '../auth/token.service';
import { AppError, type ErrorCode } from '../common/app-error';
import { Clock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import { AddressLimit } from './address-limit';
import { clientAddress } from './client-address';
import { SessionRegistry } from './session-registry';
import { type MayflySocket, SocketSession } from './socket-session';

/** Decides who gets a socket: the only way to a session. Set on every namespace; what throws here refuses. */
@Injectable()
export class Handshake {
  private readonly logger = new Logger(Handshake.name);
  private readonly anonymous = new Set<string>();
  private readonly refusals = new Map<string, string>();

  constructor(
    private readonly tokens: TokenService,
    private readonly sessions: SessionRegistry,
    private readonly addresses: AddressLimit,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /** Lets sockets into this namespace without a token. Of no other is one let in without. */
  open(namespace: string): void {
    this.anonymous.add(namespace);
  }

  /** In this namespace every refusal has this message, and the sentence in `data.reason`. */
  refuseWith(namespace: string, message: string): void {
    this.refusals.set(namespace, message);
  }

  /** Makes every socket of the namespace authenticate before it exists, unless the namespace is anonymous. */
  protect(namespace: Namespace): void {
    namespace.use((socket, next) => {
      this.admit(socket as MayflySocket, this.anonymous.has(namespace.name)).then(
        () => next(),
        (error: unknown) => next(this.refusal(error, this.refusals.get(namespace.name))),
      );
    });
  }

  private async admit(socket: MayflySocket, anonymous: boolean): Promise<void> {
    const ip = clientAddress(socket.request, this.config.env.TRUST_PROXY);
    await this.addresses.admit(socket.conn);
    if (anonymous) {
      socket.data = new SocketSession(socket.id, ip, this.clock.now());
      return;
    }
    await this.authenticate(socket, ip);
  }

  private async authenticate(socket: MayflySocket, ip: string): Promise<void> {
    const verifiedAt = this.clock.now();
    const identity = await this.tokens.verify(tokenOf(socket.handshake.auth));
    if (this.sessions.count(identity.userId) >= this.config.env.MAX_SOCKETS_PER_USER) {
      throw new AppError('CapacityError', 'Too many connections of this user');
    }
    await this.sessions.prepare(socket, identity.userId);
    socket.data = new SocketSession(identity, ip, verifiedAt);
  }

  private refusal(cause: unknown, message: string | undefined): ExtendedError {
    const error = cause instanceof AppError ? cause : undefined;
    if (!error) {
      this.logger.error({ err: cause }, 'A handshake failed');
    }
    const code: ErrorCode = error?.code ?? 'InternalServerError';
    const reason = error?.message ?? 'Something went wrong on our side';
    const refused: ExtendedError = new Error(message ?? reason);
    refused.data = message === undefined ? { code } : { code, reason };
    return refused;
  }
}

function tokenOf(auth: unknown): string {
  const token = (auth as Record<string, unknown> | undefined)?.token;
  return typeof token === 'string' ? token.replace(/^Bearer /, '') : '';
}
