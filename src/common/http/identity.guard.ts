import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AccountOnly, assertAccount, Public } from './access.decorators';
import { Authenticator } from './authenticator';
import type { IdentifiedRequest } from './current-user.decorator';

/** Lets nobody in without a good token, but on routes marked `@Public()`; guests not where it says `@AccountOnly()`. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const marked = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride(Public, marked)) {
      return true;
    }
    const request = context.switchToHttp().getRequest<IdentifiedRequest>();
    request.user = await this.authenticator.authenticate(request);
    if (this.reflector.getAllAndOverride(AccountOnly, marked)) {
      assertAccount(request.user);
    }
    return true;
  }
}
