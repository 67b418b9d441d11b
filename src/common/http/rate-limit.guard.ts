import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerRequest } from '@nestjs/throttler';
import type { Request, Response } from 'express';
import { AppError } from '../app-error';

/**
 * The library decides which throttlers a route has; this guard takes from their buckets, so that the headers are those
 * of the contract and a store that fails refuses rather than lets everyone in.
 */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(context.switchToHttp().getRequest<Request>().method === 'OPTIONS');
  }

  protected override async handleRequest(limited: ThrottlerRequest): Promise<boolean> {
    const { context, limit, ttl, throttler, blockDuration, getTracker, generateKey } = limited;
    const name = throttler.name ?? 'default';
    const request = context.switchToHttp().getRequest<Request>();
    const response = context.switchToHttp().getResponse<Response>();
    const key = generateKey(context, await getTracker(request, context), name);
    const record = await this.increment(key, ttl, limit, blockDuration, name);
    announceLimit(response, limit, limit - record.totalHits, record.timeToExpire);
    if (record.isBlocked) {
      throw new AppError('RateLimitError', 'Too many requests: please slow down', {
        retryAfter: record.timeToBlockExpire,
      });
    }
    return true;
  }

  private async increment(
    ...args: Parameters<ThrottlerGuard['storageService']['increment']>
  ): ReturnType<ThrottlerGuard['storageService']['increment']> {
    try {
      return await this.storageService.increment(...args);
    } catch (error) {
      if (error instanceof AppError) {
        throw error;
      }
      this.logger.warn({ err: error }, 'Rate limits cannot be counted');
      throw new AppError('CapacityError', 'The server is busy: please try again', { retryAfter: 1 });
    }
  }
}

/** Of several buckets the response speaks of the one with the fewest tokens left. `reset`: seconds until it is full. */
export function announceLimit(response: Response, limit: number, remaining: number, reset: number): void {
  const announced = response.getHeader('RateLimit-Remaining');
  if (announced !== undefined && Number(announced) <= remaining) {
    return;
  }
  response.setHeader('RateLimit-Limit', limit);
  response.setHeader('RateLimit-Remaining', remaining);
  response.setHeader('RateLimit-Reset', reset);
}
