import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Authenticator } from '../common/http/authenticator';
import type { Identity } from '../common/identity';
import { BEARER, BearerStrategy } from './bearer.strategy';
import { tokenError } from './token-errors';

/** Asks passport who sent a request. */
@Injectable()
export class PassportAuthenticator extends Authenticator {
  constructor(private readonly bearer: BearerStrategy) {
    super();
  }

  override authenticate(request: Request): Promise<Identity> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, identity?: Identity | false | null): void =>
        identity ? resolve(identity) : reject((error as Error | null) ?? tokenError('invalid'));
      const handler = this.bearer.getPassportInstance().authenticate(BEARER, { session: false }, done) as (
        ...args: [Request, unknown, (error: unknown) => void]
      ) => void;
      handler(request, request.res, reject);
    });
  }
}
