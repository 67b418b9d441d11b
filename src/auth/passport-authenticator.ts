import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Passport } from 'passport';
import { Authenticator } from '../common/http/authenticator';
import type { Identity } from '../common/identity';
import { BearerStrategy } from './bearer.strategy';
import { tokenError } from './token-errors';

/**
 * Has a passport of its own. `@nestjs/passport` uses the module's global one, in which a second application of the same
 * process (two nodes in a test) would replace the strategy of the first.
 */
@Injectable()
export class PassportAuthenticator extends Authenticator {
  private readonly passport = new Passport();

  constructor(private readonly bearer: BearerStrategy) {
    super();
    this.passport.use(bearer);
  }

  override authenticate(request: Request): Promise<Identity> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, identity?: Identity | false | null): void =>
        identity ? resolve(identity) : reject((error as Error | null) ?? tokenError('invalid'));
      const handler = this.passport.authenticate(this.bearer.name, { session: false }, done) as (
        ...args: [Request, unknown, (error: unknown) => void]
      ) => void;
      handler(request, request.res, reject);
    });
  }
}
