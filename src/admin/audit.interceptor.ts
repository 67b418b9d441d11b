import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type Observable, tap } from 'rxjs';
import { AppError } from '../common/app-error';
import { AdminAction, type AdminRequest, targetOf } from './admin-request';
import { AuditLog, UNKNOWN_ACTOR } from './audit-log';
import type { AccountAnswerDto } from './dto/admin.dto';

/** Writes the audit line of every call that the guard has let in. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly audit: AuditLog,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const { actor = UNKNOWN_ACTOR } = request;
    const action = this.reflector.get(AdminAction, context.getHandler());
    const target = targetOf(request);
    return next.handle().pipe(
      tap({
        next: (answer) => this.audit.write({ action, actor, target: target ?? madeBy(answer), outcome: 'ok' }),
        error: (error: unknown) => {
          const outcome = error instanceof AppError ? error.code : 'InternalServerError';
          this.audit.write({ action, actor, target, outcome });
        },
      }),
    );
  }
}

/** The id of the account that a call made. */
function madeBy(answer: unknown): string | undefined {
  return (answer as Partial<AccountAnswerDto> | undefined)?.user?.id;
}
