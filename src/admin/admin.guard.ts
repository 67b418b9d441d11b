import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AppError, type ErrorCode } from '../common/app-error';
import { Authenticator } from '../common/http/authenticator';
import { sameSecret } from '../common/secrets';
import { AppConfig } from '../config/app-config';
import { AdminAction, type AdminRequest, targetOf } from './admin-request';
import { AuditLog, TOKEN_ACTOR, UNKNOWN_ACTOR } from './audit-log';

const TOKEN_HEADER = 'x-admin-token';

/**
 * Lets in who has the admin token, or an account with the role admin. Without `ADMIN_TOKEN` the routes do not exist, for
 * admins neither. The role is that of the account now, not of when its token was made.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly audit: AuditLog,
    protected readonly config: AppConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { ADMIN_TOKEN } = this.config.env;
    if (ADMIN_TOKEN === undefined) {
      throw new AppError('NotFoundError', 'There is no such route');
    }
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const action = this.reflector.get(AdminAction, context.getHandler());
    const given = request.get(TOKEN_HEADER);
    if (given !== undefined) {
      if (!sameSecret(given, ADMIN_TOKEN)) {
        this.refused(request, action, UNKNOWN_ACTOR, 'AuthenticationError');
        throw new AppError('AuthenticationError', 'Invalid admin token');
      }
      request.actor = TOKEN_ACTOR;
      return true;
    }
    request.actor = await this.admin(request, action);
    return true;
  }

  private async admin(request: AdminRequest, action: string): Promise<string> {
    try {
      const { userId, role } = await this.authenticator.authenticate(request);
      if (role === 'admin') {
        return userId;
      }
      this.refused(request, action, userId, 'AuthorizationError');
    } catch (error) {
      if (error instanceof AppError) {
        this.refused(request, action, UNKNOWN_ACTOR, error.code);
      }
      throw error;
    }
    throw new AppError('AuthorizationError', 'This is for admins');
  }

  private refused(request: AdminRequest, action: string, actor: string, outcome: ErrorCode): void {
    this.audit.write({ action, actor, target: targetOf(request), outcome });
  }
}

/** For routes that are open to everyone outside production. */
@Injectable()
export class ProductionAdminGuard extends AdminGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    return !this.config.production || super.canActivate(context);
  }
}
