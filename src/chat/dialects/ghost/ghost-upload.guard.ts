import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { AppConfig } from '../../../config/app-config';
import { clientAddress } from '../../../realtime/client-address';
import { GhostLimits } from './ghost-limits';

/** Uploads by address, before anything of the body is read. */
@Injectable()
export class GhostUploadGuard implements CanActivate {
  constructor(
    private readonly limits: GhostLimits,
    private readonly config: AppConfig,
  ) {}

  /** @throws AppError RateLimitError */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    await this.limits.upload(clientAddress(request, this.config.env.TRUST_PROXY));
    return true;
  }
}
