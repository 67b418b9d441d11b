import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { ExpiryService } from '../expiry/expiry.service';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import { type AttemptLimits, LoginAttemptStore, MAX_ATTACKED_ACCOUNTS } from './login-attempt-store';

const DEADLINE = 'login-attempts';

interface Failure {
  readonly address: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The failures of each account, oldest first; never more than lock it for all addresses. */
@Injectable()
export class MemoryLoginAttemptStore extends LoginAttemptStore {
  /** In the order of their latest attempts. */
  private readonly accounts = new Map<string, Failure[]>();

  constructor(
    private readonly clock: Clock,
    private readonly queue: LocalExpiryQueue,
    expiry: ExpiryService,
  ) {
    super();
    expiry.own(DEADLINE, (due) => due.forEach(({ key }) => this.accounts.delete(key)));
  }

  /** Accounts with failures that are remembered. */
  get size(): number {
    return this.accounts.size;
  }

  override attempt(account: string, address: string, { windowMs, perAddress, inAll }: AttemptLimits): number {
    const now = this.clock.now();
    const failures = (this.accounts.get(account) ?? []).filter(({ at }) => at + windowMs > now);
    const fromAddress = failures.filter((failure) => failure.address === address);
    const freed = Math.max(unlocksAt(failures, inAll, windowMs), unlocksAt(fromAddress, perAddress, windowMs));
    if (freed > now) {
      return freed - now;
    }
    this.makeRoom(account);
    this.accounts.set(account, [...failures, { address, at: now }]);
    this.queue.schedule(DEADLINE, account, now + windowMs);
    return 0;
  }

  override succeeded(account: string, address: string): void {
    const left = (this.accounts.get(account) ?? []).filter((failure) => failure.address !== address);
    if (left.length > 0) {
      this.accounts.set(account, left);
    } else {
      this.forget(account);
    }
  }

  private makeRoom(account: string): void {
    this.accounts.delete(account);
    if (this.accounts.size >= MAX_ATTACKED_ACCOUNTS) {
      for (const oldest of this.accounts.keys()) {
        this.forget(oldest);
        break;
      }
    }
  }

  private forget(account: string): void {
    this.accounts.delete(account);
    this.queue.cancel(DEADLINE, account);
  }
}

/** When there are fewer than `most` failures again, epoch ms; in the past where there are. */
function unlocksAt(failures: readonly Failure[], most: number, windowMs: number): number {
  const decisive = failures[failures.length - most];
  return decisive ? decisive.at + windowMs : 0;
}
