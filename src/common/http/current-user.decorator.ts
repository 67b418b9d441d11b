import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Identity } from '../identity';

/** Where the identity guard leaves who is asking. */
export interface IdentifiedRequest extends Request {
  user?: Identity;
}

/** Exported for the socket dispatcher, which recognises the parameter by it and fills it in by itself. */
export function currentUserFactory(_data: unknown, context: ExecutionContext): Identity {
  const { user } = context.switchToHttp().getRequest<IdentifiedRequest>();
  if (!user) {
    throw new Error('@CurrentUser() on a route that is @Public()');
  }
  return user;
}

/** Who is asking, as an `Identity`: from the verified token, never from the payload. */
export const CurrentUser = createParamDecorator(currentUserFactory);
