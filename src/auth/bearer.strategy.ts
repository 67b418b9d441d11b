import { Injectable } from '@nestjs/common';
import type { Request } from 'express';
import { Strategy } from 'passport';
import { ExtractJwt } from 'passport-jwt';
import { type TokenIdentity, TokenService } from './token.service';

const bearerToken = ExtractJwt.fromAuthHeaderAsBearerToken();

/** Passport's part in REST: finds the token. What it is worth says `TokenService`, as it does for sockets. */
@Injectable()
export class BearerStrategy extends Strategy {
  override readonly name = 'bearer';

  constructor(private readonly tokens: TokenService) {
    super();
  }

  override authenticate(request: Request): void {
    this.identify(request).then(
      (identity) => this.success(identity),
      (error: unknown) => this.error(error),
    );
  }

  private async identify(request: Request): Promise<TokenIdentity> {
    return this.tokens.verify(bearerToken(request) ?? '');
  }
}
