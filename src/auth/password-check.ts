import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { normalizeIp } from '@nestjs/throttler';
import { AppError } from '../common/app-error';
import { type AttemptLimits, LoginAttemptStore } from './login-attempt-store';
import { PasswordHasher } from './password-hasher';

const LIMITS: AttemptLimits = { windowMs: 15 * 60_000, perAddress: 10, inAll: 100 };

/** Compares passwords, and stops who guesses. */
@Injectable()
export class PasswordCheck {
  constructor(
    private readonly hasher: PasswordHasher,
    private readonly attempts: LoginAttemptStore,
  ) {}

  /**
   * Whether the password is that of the account, whose hash is undefined where there is none; both take equally long.
   * `ip` is the client's address. @throws AppError RateLimitError while the e-mail is locked, CapacityError
   */
  matches(email: string, ip: string, password: string, passwordHash: string | undefined): Promise<boolean> {
    // What is kept has one length, and names nobody who has no account here.
    const account = createHash('sha256').update(email).digest('base64url');
    const address = normalizeIp(ip);
    // Counted in its turn, just before the comparison: of many guesses at once none slips through, and of many good
    // logins at once none is taken for a guess.
    return this.hasher.compareInTurn(async (matches) => {
      await this.count(account, address);
      const same = await matches(password, passwordHash);
      if (same) {
        await this.attempts.succeeded(account, address);
      }
      return same;
    });
  }

  private async count(account: string, address: string): Promise<void> {
    const waitMs = await this.attempts.attempt(account, address, LIMITS);
    if (waitMs > 0) {
      throw new AppError('RateLimitError', 'Too many failed attempts: please try again later', {
        retryAfter: Math.ceil(waitMs / 1000),
      });
    }
  }
}
