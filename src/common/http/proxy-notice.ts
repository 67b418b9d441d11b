import type { IncomingMessage } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/app-config';

/** Behind a proxy that is not trusted, all clients share the proxy's address and its limits: said once, in production. */
@Injectable()
export class ProxyNotice {
  private readonly logger = new Logger('Proxy');
  private said: boolean;

  constructor({ production, env }: AppConfig) {
    this.said = !production || env.TRUST_PROXY > 0;
  }

  /** Looks at a request, or the handshake of a socket. */
  look({ headers }: IncomingMessage): void {
    if (!this.said && headers['x-forwarded-for'] !== undefined) {
      this.said = true;
      this.logger.warn('X-Forwarded-For came, but TRUST_PROXY is not set: limits count the proxy as one client');
    }
  }
}
