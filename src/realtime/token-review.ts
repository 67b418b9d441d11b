import { Logger } from '@nestjs/common';
import { type TokenIdentity, TokenService } from '../auth/token.service';
import { AppError } from '../common/app-error';
import type { MayflySocket } from './socket-session';

/** Tokens that are checked at once: about a millisecond of Redis. */
const BATCH = 64;
/** A check that failed is tried again after this long. */
const RETRY_MS = 500;

interface Outcomes {
  /** The token is good until `identity.expiresAt`, which may be past. */
  stands(socket: MayflySocket, identity: TokenIdentity): void;
  /** The token was revoked, or its user is gone. */
  ended(socket: MayflySocket): void;
}

/**
 * Looks at the tokens of sockets again, of which this node may not have heard that they ended: some at a time, and as
 * often as it takes to get an answer.
 */
export class TokenReview {
  private readonly logger = new Logger(TokenReview.name);
  private readonly waiting = new Set<MayflySocket>();
  private running = false;

  constructor(
    private readonly tokens: Pick<TokenService, 'recheck'>,
    private readonly outcomes: Outcomes,
  ) {}

  /** Puts sockets down for a review; those that are down already are reviewed once. */
  add(sockets: Iterable<MayflySocket>): void {
    for (const socket of sockets) {
      this.waiting.add(socket);
    }
    if (!this.running) {
      void this.run();
    }
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.size > 0) {
      const batch = this.next();
      const answered = await Promise.all(batch.map((socket) => this.review(socket)));
      const unanswered = batch.filter((_socket, i) => !answered[i]);
      if (unanswered.length > 0) {
        unanswered.forEach((socket) => this.waiting.add(socket));
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.running = false;
  }

  private next(): MayflySocket[] {
    const batch: MayflySocket[] = [];
    for (const socket of this.waiting) {
      this.waiting.delete(socket);
      if (!socket.data.ended && batch.push(socket) === BATCH) {
        break;
      }
    }
    return batch;
  }

  /** False where no answer was to be had. */
  private async review(socket: MayflySocket): Promise<boolean> {
    const { identity } = socket.data;
    try {
      const current = await this.tokens.recheck(identity);
      // A newer token that came meanwhile was checked by itself.
      if (socket.data.identity.tokenId === identity.tokenId && !socket.data.ended) {
        this.outcomes.stands(socket, current);
      }
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === 'AuthenticationError') {
        if (socket.data.identity.tokenId === identity.tokenId) {
          this.outcomes.ended(socket);
        }
        return true;
      }
      if (!(error instanceof AppError)) {
        this.logger.error({ err: error }, 'A token could not be checked again');
      }
      return false;
    }
  }
}
