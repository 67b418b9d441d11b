import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { UserRecord } from '../users/user-store';
import { UsersService } from '../users/users.service';
import type { ChangePasswordDto, LoginDto, RegisterDto } from './dto/auth.dto';
import { PasswordCheck } from './password-check';
import { PasswordHasher } from './password-hasher';
import { type TokenIdentity, TokenService } from './token.service';

export interface Session {
  readonly token: string;
  readonly user: UserRecord;
}

/** How accounts come to their tokens. `ip` is always the client's address. */
@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly tokens: TokenService,
    private readonly hasher: PasswordHasher,
    private readonly passwords: PasswordCheck,
  ) {}

  /** A new account and its first token. @throws AppError ConflictError, CapacityError */
  async register({ username, email, password }: RegisterDto): Promise<Session> {
    // Decided when the account is made; asked before, so that a taken name does not cost a hash.
    await this.users.assertFree(username, email);
    const passwordHash = await this.hasher.hash(password);
    const user = await this.users.createAccount({ username, email, passwordHash });
    return { token: await this.tokens.issue(user), user };
  }

  /** @throws AppError AuthenticationError, whatever was wrong; RateLimitError after too many failures; CapacityError */
  async login({ email, password }: LoginDto, ip: string): Promise<Session> {
    const user = await this.users.findByEmail(email);
    const passwordHash = user && (await this.users.findPasswordHash(user.id));
    const generation = user && (await this.tokens.generation(user.id));
    const matches = await this.passwords.matches(email, ip, password, passwordHash);
    if (!user || !matches) {
      throw new AppError('AuthenticationError', 'Invalid email or password');
    }
    return { token: await this.tokens.issue(user, generation), user };
  }

  /** Replaces the password and ends every other token. @throws AppError AuthorizationError for a wrong current one */
  async changePassword(identity: TokenIdentity, passwords: ChangePasswordDto, ip: string): Promise<void> {
    const { userId, tokenId } = identity;
    const { email = '' } = await this.users.get(userId);
    const current = await this.users.findPasswordHash(userId);
    const matches = await this.passwords.matches(email, ip, passwords.currentPassword, current);
    const changed =
      matches &&
      current !== undefined &&
      (await this.users.setPasswordHash(userId, await this.hasher.hash(passwords.newPassword), current));
    if (!changed) {
      throw new AppError('AuthorizationError', 'The current password is wrong');
    }
    await this.tokens.revokeAll(userId, tokenId);
  }
}
