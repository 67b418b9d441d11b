import { JwtService } from '@nestjs/jwt';
import { AuthService } from '../../src/auth/auth.service';
import { jwtOptions } from '../../src/auth/jwt-options';
import { MemoryLoginAttemptStore } from '../../src/auth/memory-login-attempt.store';
import { MemoryTokenStore } from '../../src/auth/memory-token.store';
import { PasswordCheck } from '../../src/auth/password-check';
import { PasswordHasher } from '../../src/auth/password-hasher';
import { type TokenEnding, TokenService } from '../../src/auth/token.service';
import { Cursors } from '../../src/common/http/cursors';
import { Ids } from '../../src/common/ids';
import { AppConfig } from '../../src/config/app-config';
import { MemoryNodeBus } from '../../src/storage/memory-node-bus';
import { MemoryUserStore } from '../../src/users/memory-user.store';
import { UsersService } from '../../src/users/users.service';
import { storeKit } from '../contract/store-kit';

export const JWT_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** The services of accounts over real memory stores and a clock that is moved by hand. */
export function accounts(settings: Record<string, string> = {}) {
  const kit = storeKit();
  const { clock, queue, local, expiry } = kit;
  const config = AppConfig.from({ JWT_SECRET, BCRYPT_ROUNDS: '4', ...settings });
  const ids = new Ids();
  const bus = new MemoryNodeBus();
  const userStore = new MemoryUserStore();
  const users = new UsersService(userStore, clock, ids, new Cursors(config), config, queue, expiry, bus);
  const jwt = new JwtService(jwtOptions(config));
  const tokenStore = new MemoryTokenStore(clock, local, expiry);
  const tokens = new TokenService(jwt, tokenStore, users, bus, clock, ids, config);
  const hasher = new PasswordHasher(config);
  const passwords = new PasswordCheck(hasher, new MemoryLoginAttemptStore(clock, local, expiry));
  const auth = new AuthService(users, tokens, hasher, passwords);
  const endings: TokenEnding[] = [];
  tokens.onEnded((ending) => endings.push(ending));
  return { ...kit, config, userStore, users, jwt, tokenStore, tokens, hasher, passwords, auth, bus, endings };
}
