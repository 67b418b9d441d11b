import { Reflector } from '@nestjs/core';
import { AppError } from '../app-error';
import type { Identity } from '../identity';

/** The route, or every route of the class, needs no token. */
export const Public = Reflector.createDecorator<void, true>({ transform: () => true });

/** The route, or every route of the class, is not for guests. */
export const AccountOnly = Reflector.createDecorator<void, true>({ transform: () => true });

/** @throws AppError AuthorizationError for a guest */
export function assertAccount(identity: Identity): void {
  if (identity.kind !== 'account') {
    throw new AppError('AuthorizationError', 'Guests cannot do this: it needs an account');
  }
}
