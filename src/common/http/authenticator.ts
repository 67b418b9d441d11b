import type { Request } from 'express';
import type { Awaitable } from '../awaitable';
import type { Identity } from '../identity';

/** Says who sent a request; provided by `auth`, so that the guard here knows nothing of tokens. */
export abstract class Authenticator {
  /** @throws AppError AuthenticationError without a good token */
  abstract authenticate(request: Request): Awaitable<Identity>;
}
