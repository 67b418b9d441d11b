import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { Passport, Strategy } from 'passport';
import { ExtractJwt } from 'passport-jwt';
import { type TokenIdentity, TokenService } from './token.service';

export const BEARER = 'bearer';
const bearerToken = ExtractJwt.fromAuthHeaderAsBearerToken();

/** Passport's part in REST: finds the token. What it is worth says `TokenService`, as it does for sockets. */
@Injectable()
export class BearerStrategy extends PassportStrategy(Strategy, BEARER) {
  private own: InstanceType<typeof Passport> | undefined;

  constructor(private readonly tokens: TokenService) {
    super();
  }

  /**
   * A passport of its own. In the module's global one, a second application of the same process (two nodes in a test)
   * would replace the strategy of the first.
   */
  getPassportInstance(): InstanceType<typeof Passport> {
    this.own ??= new Passport();
    return this.own;
  }

  /** @throws AppError AuthenticationError */
  override async validate(token: string): Promise<TokenIdentity> {
    return this.tokens.verify(token);
  }

  override authenticate(request: Request): void {
    this.validate(bearerToken(request) ?? '').then(
      (identity) => this.success(identity),
      (error: unknown) => this.error(error),
    );
  }
}
