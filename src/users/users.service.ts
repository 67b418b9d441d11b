import { Injectable, Logger } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain } from '../common/awaitable';
import { Clock } from '../common/clock';
import { Cursors } from '../common/http/cursors';
import { type IdentityKind, type Role, USER_CHANGED, type UserChanged } from '../common/identity';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import { type DueItem, ExpiryQueue } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import { NodeBus } from '../storage/node-bus';
import { MIN_PREFIX } from './name-index';
import { type UserChanges, type UserRecord, UserStore } from './user-store';

const ERASURE = 'user-erasure';
/** An erasure that its process did not end is taken up by the expiry clock after this long. */
const ERASURE_TIMEOUT_MS = 30_000;
/** A failed one after this long, again and again. */
const ERASURE_RETRY_MS = 1000;
/** Results of a search; who wants more types more. */
const MAX_RESULTS = 50;
const LIST = 'users';

/** Erases what a user owns. Called again after a failure, possibly while an earlier call runs: must be idempotent. */
export type UserEraser = (userId: string) => Awaitable<void>;

export interface NewAccount {
  readonly username: string;
  /** Lower case. */
  readonly email: string;
  readonly passwordHash: string;
  /** Default: user. */
  readonly role?: Role;
}

/** Accounts and guests as records. What is shown of them: `ProfilesService`. */
@Injectable()
export class UsersService {
  private readonly logger = new Logger(UsersService.name);
  private readonly erasers: Record<'access' | 'data', UserEraser[]> = { access: [], data: [] };

  constructor(
    private readonly store: UserStore,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly cursors: Cursors,
    private readonly config: AppConfig,
    private readonly queue: ExpiryQueue,
    expiry: ExpiryService,
    private readonly bus: NodeBus,
  ) {
    expiry.own(ERASURE, (due) => this.resumeErasing(due));
  }

  /** A new account. @throws AppError ConflictError, CapacityError */
  createAccount(account: NewAccount): Awaitable<UserRecord> {
    const { role = 'user' } = account;
    const user = { ...account, id: this.ids.id(), kind: 'account', role, createdAt: this.clock.now() } as const;
    return this.store.create(user, this.config.env.MAX_ACCOUNTS);
  }

  /** The user, account or guest; undefined for who never was, is gone or is being erased. */
  find(userId: string): Awaitable<UserRecord | undefined> {
    return this.store.find(userId);
  }

  /** Those of the users that exist, in the order of `userIds`. */
  findMany(userIds: readonly string[]): Awaitable<UserRecord[]> {
    return this.store.findMany(userIds);
  }

  /** The account of an e-mail address in lower case. */
  findByEmail(email: string): Awaitable<UserRecord | undefined> {
    return this.store.findByEmail(email);
  }

  /** The user. @throws AppError NotFoundError */
  get(userId: string): Awaitable<UserRecord> {
    return chain(this.store.find(userId), present);
  }

  /** @throws AppError ConflictError where an account has the name or the address (lower case) */
  async assertFree(username: string, email: string): Promise<void> {
    if (await this.store.isNameTaken(username)) {
      throw new AppError('ConflictError', 'That username is taken');
    }
    if (await this.store.findByEmail(email)) {
      throw new AppError('ConflictError', 'That e-mail address is registered already');
    }
  }

  /** The bcrypt hash of an account's password; undefined for guests and unknown ids. */
  findPasswordHash(userId: string): Awaitable<string | undefined> {
    return this.store.findPasswordHash(userId);
  }

  /** Replaces the hash, where `expected` is given only if it still is that one. False: nothing changed. */
  setPasswordHash(userId: string, hash: string, expected?: string): Awaitable<boolean> {
    return this.store.setPasswordHash(userId, hash, expected);
  }

  /** A page of the accounts but `exceptId`, oldest first. @throws AppError ValidationError for a made-up cursor */
  async list(
    exceptId: string,
    limit: number,
    cursor?: string,
  ): Promise<{ users: UserRecord[]; nextCursor: string | null }> {
    const after = cursor === undefined ? undefined : this.cursors.decode(LIST, cursor);
    const { users, next } = await this.store.list(limit, after, exceptId);
    return { users, nextCursor: next === undefined ? null : this.cursors.encode(LIST, next) };
  }

  /**
   * Accounts but `exceptId`, at most 50, whose name or a part of it after `_`, `.` or `-` begins with `query`, in any
   * case; or the one with this e-mail address. Nothing for less than two characters.
   */
  async search(exceptId: string, query: string): Promise<UserRecord[]> {
    const wanted = query.toLowerCase();
    if (wanted.length < MIN_PREFIX) {
      return [];
    }
    const found = wanted.includes('@')
      ? [(await this.store.findByEmail(wanted)) ?? []].flat()
      : await this.store.search(wanted, MAX_RESULTS + 1);
    return found.filter(({ id }) => id !== exceptId).slice(0, MAX_RESULTS);
  }

  /** The user with these changes. @throws AppError NotFoundError, ConflictError */
  update(userId: string, changes: UserChanges): Awaitable<UserRecord> {
    return chain(this.store.update(userId, changes), (updated) => {
      const user = present(updated);
      const { username, role } = changes;
      if (username === undefined && role === undefined) {
        return user;
      }
      const changed: UserChanged = { userId, username: user.username, role: user.role };
      return chain(this.bus.publish(USER_CHANGED, changed), () => user);
    });
  }

  /** Notes that the user was last seen at `at` (epoch ms). */
  touch(userId: string, at: number): Awaitable<void> {
    return this.store.touch(userId, at);
  }

  /** How many there are of a kind. */
  count(kind: IdentityKind): Awaitable<number> {
    return this.store.count(kind);
  }

  /**
   * Registers what is to be done when a user is erased: first whatever gives `access`, then the `data`, each in the
   * order of registration, one after the other.
   */
  onErase(eraser: UserEraser, what: 'access' | 'data' = 'data'): void {
    this.erasers[what].push(eraser);
  }

  /**
   * Erases a user and all that they own. The user is hidden before anything else, so that nothing new is made, and
   * gone at the end; on a failure in between they stay hidden and the expiry clock goes on. Idempotent.
   */
  async erase(userId: string): Promise<void> {
    await this.queue.schedule(ERASURE, userId, this.clock.now() + ERASURE_TIMEOUT_MS);
    if (await this.store.startErasing(userId)) {
      await this.finishErasing(userId);
    } else {
      await this.queue.cancel(ERASURE, userId);
    }
  }

  private async finishErasing(userId: string): Promise<void> {
    try {
      for (const eraser of [...this.erasers.access, ...this.erasers.data]) {
        await eraser(userId);
      }
      await this.store.erase(userId);
    } catch (error) {
      await this.queue.scheduleSooner(ERASURE, userId, this.clock.now() + ERASURE_RETRY_MS);
      throw error;
    }
    await this.queue.cancel(ERASURE, userId);
  }

  private async resumeErasing(due: DueItem[]): Promise<void> {
    for (const { key } of due) {
      if (await this.store.isErasing(key)) {
        // One that fails has been scheduled anew and must not keep the others.
        await this.finishErasing(key).catch((error: unknown) => {
          this.logger.error({ err: error, userId: key }, 'A user could not be erased yet');
        });
      }
    }
  }
}

function present(user: UserRecord | undefined): UserRecord {
  if (!user) {
    throw new AppError('NotFoundError', 'There is no such user');
  }
  return user;
}
