import { Injectable } from '@nestjs/common';
import { AppError } from '../../../common/app-error';
import type { Awaitable } from '../../../common/awaitable';
import { AppConfig } from '../../../config/app-config';
import { type Bucket, type RateDecision, RateLimiter } from '../../../limits/rate-limiter';
import { Refusals } from '../../../limits/refusals';

/** What one address may ask of rooms whose tokens are all there is to know. */
@Injectable()
export class GhostLimits {
  private readonly joins: Bucket;
  private readonly guesses: Bucket;
  private readonly uploads: Bucket;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly refusals: Refusals,
    config: AppConfig,
  ) {
    const { GHOST_JOINS_PER_MINUTE, TOKEN_GUESSES_PER_MINUTE, UPLOADS_PER_MINUTE } = config.env;
    this.joins = bucket('ghost-joins', GHOST_JOINS_PER_MINUTE);
    this.guesses = bucket('token-guesses', TOKEN_GUESSES_PER_MINUTE);
    this.uploads = bucket('ghost-uploads', UPLOADS_PER_MINUTE);
  }

  /** Counts rooms that are joined, each once a minute: a class comes back to its room together. @throws AppError RateLimitError */
  async join(ip: string, roomId: string): Promise<void> {
    this.check(await this.limiter.takeOnce(this.joins, ip, roomId), this.joins);
  }

  /**
   * Looks for a room. It costs before it is known whether there is one, so that who has guessed too often learns
   * nothing more, and is given back where there is. @throws AppError RateLimitError
   */
  async find<T>(ip: string, roomId: string, look: () => Awaitable<T | undefined>): Promise<T | undefined> {
    const decision = await this.limiter.takeOnce(this.guesses, ip, roomId);
    this.check(decision, this.guesses);
    const found = await look();
    if (found !== undefined && !decision.known) {
      await this.limiter.giveBack(this.guesses, ip);
    }
    return found;
  }

  /** @throws AppError RateLimitError */
  async upload(ip: string): Promise<void> {
    this.check(await this.limiter.take(this.uploads, ip), this.uploads);
  }

  private check({ allowed, retryAfterMs }: RateDecision, { name }: Bucket): void {
    if (!allowed) {
      this.refusals.count(name);
      const retryAfter = Math.ceil(retryAfterMs / 1000);
      throw new AppError('RateLimitError', 'Too many requests: please slow down', { retryAfter });
    }
  }
}

function bucket(name: string, perMinute: number): Bucket {
  return { name, perMinute, burst: perMinute };
}
