import type { JwtModuleOptions } from '@nestjs/jwt';
import type { AppConfig } from '../config/app-config';

/** HS256 and nothing else, from and for us. Expiry is a claim of `TokenService`, by the one clock. */
export function jwtOptions(config: AppConfig): JwtModuleOptions {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config.env;
  return {
    secret: config.jwtSecret,
    signOptions: { algorithm: 'HS256', issuer, audience },
    verifyOptions: { algorithms: ['HS256'], issuer, audience },
  };
}
