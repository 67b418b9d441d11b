import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { Authenticator } from '../common/http/authenticator';
import { AppConfig } from '../config/app-config';
import { provideStore } from '../storage/provide-store';
import { UsersModule } from '../users/users.module';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { BearerStrategy } from './bearer.strategy';
import { DemoUsers } from './demo-users';
import { LoginAttemptStore } from './login-attempt-store';
import { MemoryLoginAttemptStore } from './memory-login-attempt.store';
import { MemoryTokenStore } from './memory-token.store';
import { PassportAuthenticator } from './passport-authenticator';
import { PasswordCheck } from './password-check';
import { PasswordHasher } from './password-hasher';
import { jwtOptions } from './jwt-options';
import { RedisLoginAttemptStore } from './redis-login-attempt.store';
import { RedisTokenStore } from './redis-token.store';
import { TokenStore } from './token-store';
import { TokenService } from './token.service';

/** Global for the sake of `Authenticator`, which the guard of all routes needs. */
@Global()
@Module({
  imports: [UsersModule, JwtModule.registerAsync({ inject: [AppConfig], useFactory: jwtOptions })],
  controllers: [AuthController],
  providers: [
    provideStore(TokenStore, { memory: MemoryTokenStore, redis: RedisTokenStore }),
    provideStore(LoginAttemptStore, { memory: MemoryLoginAttemptStore, redis: RedisLoginAttemptStore }),
    TokenService,
    PasswordHasher,
    PasswordCheck,
    AuthService,
    BearerStrategy,
    { provide: Authenticator, useClass: PassportAuthenticator },
    DemoUsers,
  ],
  exports: [TokenService, PasswordHasher, Authenticator],
})
export class AuthModule {}
