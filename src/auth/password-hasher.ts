import { Injectable } from '@nestjs/common';
import { compare, genSaltSync, hash } from 'bcrypt';
import { AppError } from '../common/app-error';
import { AppConfig } from '../config/app-config';

/** bcrypt reads no further, in bytes. */
export const MAX_PASSWORD_BYTES = 72;
/** Who comes behind this many would wait for half a minute at 10 rounds, longer than clients do. */
export const MAX_WAITING = 500;

type Matches = (password: string, passwordHash: string | undefined) => Promise<boolean>;

/**
 * bcrypt in libuv's threads, one at a time: measured to do as many a second as unbounded, with a twelfth of the delay
 * for everyone else.
 */
@Injectable()
export class PasswordHasher {
  private readonly rounds: number;
  /** Of the same rounds as the others, of no password. */
  private readonly nobodys: string;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(config: AppConfig) {
    this.rounds = config.env.BCRYPT_ROUNDS;
    this.nobodys = genSaltSync(this.rounds) + '.'.repeat(31);
  }

  /** The hash of a password of at most 72 bytes. @throws AppError CapacityError when too many wait */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password, this.rounds));
  }

  /**
   * Calls `work` when its turn has come, with a function that says whether a password has a hash and takes equally long
   * without one. @throws AppError CapacityError when too many wait
   */
  compareInTurn<T>(work: (matches: Matches) => Promise<T>): Promise<T> {
    return this.inTurn(() =>
      work(async (password, passwordHash) => {
        const same = await compare(password, passwordHash ?? this.nobodys);
        return same && passwordHash !== undefined && Buffer.byteLength(password) <= MAX_PASSWORD_BYTES;
      }),
    );
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.waiting >= MAX_WAITING) {
      throw new AppError('CapacityError', 'Too many people are signing in: please try again', { retryAfter: 5 });
    }
    this.waiting++;
    const turn = this.last.then(work).finally(() => this.waiting--);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
