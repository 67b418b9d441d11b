import type { Logger } from '@nestjs/common';
import type { Redis as Client } from 'ioredis';

const NO_REASON = 'the connection was closed';

/** Says once that a connection is gone, with the reason that came last, and once that it is back. */
export class OutageLog {
  private reason = NO_REASON;
  private since: number | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly connection: string,
  ) {}

  watch(client: Client): void {
    client.on('error', (error: Error) => {
      this.reason = error.message;
    });
    client.on('close', () => this.lost());
    // Asked to end: that is no outage.
    client.on('end', () => {
      this.since = undefined;
    });
  }

  /** The connection is there and good for commands. */
  restored(): void {
    const { connection } = this;
    if (this.since === undefined) {
      this.logger.log({ connection }, 'Redis is connected');
    } else {
      const afterMs = Math.round(performance.now() - this.since);
      this.logger.log({ connection, afterMs }, 'Redis is connected again');
    }
    this.since = undefined;
    this.reason = NO_REASON;
  }

  private lost(): void {
    if (this.since === undefined) {
      this.since = performance.now();
      // An error that explains it may come in the same turn.
      setImmediate(() => {
        if (this.since !== undefined) {
          this.logger.warn({ connection: this.connection, reason: this.reason }, 'Redis does not answer');
        }
      });
    }
  }
}
