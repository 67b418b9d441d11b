import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Response } from 'express';
import { AppError } from '../common/app-error';
import { currentUserFactory } from '../common/http/current-user.decorator';
import { announceLimit } from '../common/http/rate-limit.guard';
import { AppConfig } from '../config/app-config';
import { type Bucket, RateLimiter } from '../limits/rate-limiter';
import { Refusals } from '../limits/refusals';

/** Uploads by user, over all routes that take files; before anything of the body is read. */
@Injectable()
export class UploadRateGuard implements CanActivate {
  private readonly bucket: Bucket;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly refusals: Refusals,
    config: AppConfig,
  ) {
    const perMinute = config.env.UPLOADS_PER_MINUTE;
    this.bucket = { name: 'uploads', perMinute, burst: perMinute };
  }

  /** @throws AppError RateLimitError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { userId } = currentUserFactory(undefined, context);
    const decision = await this.limiter.take(this.bucket, userId);
    const response = context.switchToHttp().getResponse<Response>();
    announceLimit(response, this.bucket.burst, decision.remaining, Math.ceil(decision.resetMs / 1000));
    if (!decision.allowed) {
      this.refusals.count(this.bucket.name);
      const retryAfter = Math.ceil(decision.retryAfterMs / 1000);
      throw new AppError('RateLimitError', 'Too many uploads: please slow down', { retryAfter });
    }
    return true;
  }
}
