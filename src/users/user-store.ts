import type { Awaitable } from '../common/awaitable';
import type { IdentityKind, Role } from '../common/identity';

/** A person as stored. Frozen. Without the password hash, so that it cannot slip out with a profile. */
export interface UserRecord {
  readonly id: string;
  readonly kind: IdentityKind;
  readonly username: string;
  /** Lower case; accounts only. */
  readonly email?: string;
  readonly role: Role;
  readonly displayName?: string;
  readonly bio?: string;
  /** Filename of an image that this user owns. */
  readonly avatar?: string;
  readonly status?: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Epoch ms: when the last socket left; of who never had one, when they were created. */
  readonly lastSeen: number;
}

export interface NewUser {
  readonly id: string;
  readonly kind: IdentityKind;
  readonly username: string;
  /** Lower case. Accounts have one, guests none. */
  readonly email?: string;
  /** Accounts have one, guests none. */
  readonly passwordHash?: string;
  readonly role: Role;
  /** Epoch ms. */
  readonly createdAt: number;
}

/** What is left out stays; null takes a field away. */
export interface UserChanges {
  readonly username?: string;
  readonly email?: string;
  readonly role?: Role;
  readonly displayName?: string | null;
  readonly bio?: string | null;
  readonly avatar?: string | null;
  readonly status?: string | null;
}

/** Where somebody says that they are. */
export interface Location {
  readonly country?: string;
  readonly region?: string;
  readonly city?: string;
  readonly timezone?: string;
}

/** What a user signed in with. Frozen. */
export interface Device {
  readonly deviceId: string;
  readonly ip: string;
  /** What the client calls itself; empty where it does not. */
  readonly userAgent: string;
  readonly location?: Location;
  /** Epoch ms. */
  readonly lastSeen: number;
}

export interface UserPage {
  readonly users: UserRecord[];
  /** The store's own word for where the next page begins; undefined at the end. */
  readonly next?: string;
}

/**
 * Accounts and guests. Names and e-mail addresses of accounts are unique without case; guests may share a name among
 * themselves, not take an account's. What is being erased is found by nothing here, but keeps its name and address
 * until it is gone.
 */
export abstract class UserStore {
  /**
   * Keeps a new user. Atomic with its checks. @throws AppError ConflictError where the name or address is taken,
   * CapacityError where there are `most` users of its kind.
   */
  abstract create(user: NewUser, most: number): Awaitable<UserRecord>;

  abstract find(id: string): Awaitable<UserRecord | undefined>;

  /** Those of the users that exist, in the order of `ids`. */
  abstract findMany(ids: readonly string[]): Awaitable<UserRecord[]>;

  /** The account of an address in lower case. */
  abstract findByEmail(email: string): Awaitable<UserRecord | undefined>;

  /** Whether an account has the name, in any case, or had it and is being erased. */
  abstract isNameTaken(username: string): Awaitable<boolean>;

  /** The bcrypt hash of an account's password; undefined for guests and unknown ids. */
  abstract findPasswordHash(id: string): Awaitable<string | undefined>;

  /** Replaces the hash. Where `expected` is given: only if the hash is that one. False: nothing changed. Atomic. */
  abstract setPasswordHash(id: string, hash: string, expected?: string): Awaitable<boolean>;

  /**
   * The user with these changes; undefined where there is none. Atomic: of two who want one name, one gets it.
   * @throws AppError ConflictError
   */
  abstract update(id: string, changes: UserChanges): Awaitable<UserRecord | undefined>;

  /** Moves `lastSeen` on to `at` (epoch ms), never back. Unknown ids are fine. */
  abstract touch(id: string, at: number): Awaitable<void>;

  /** At most `limit` accounts but `except`, in the order of their creation, from the page that `after` names. */
  abstract list(limit: number, after: string | undefined, except: string): Awaitable<UserPage>;

  /**
   * At most `limit` accounts whose name, or a part of it after `_`, `.` or `-`, begins with `prefix` (lower case, 2+
   * characters). O(limit · log accounts).
   */
  abstract search(prefix: string, limit: number): Awaitable<UserRecord[]>;

  /**
   * Keeps a device of the user, in place of one with the same id, whose location stays where the new one has none. Beyond
   * `most` the one that was seen longest ago goes. Gives the device; undefined where there is no such user. Atomic.
   */
  abstract saveDevice(id: string, device: Device, most: number): Awaitable<Device | undefined>;

  /** The user's devices, the last seen first. */
  abstract listDevices(id: string): Awaitable<Device[]>;

  /** How many there are of a kind. */
  abstract count(kind: IdentityKind): Awaitable<number>;

  /** Hides the user for good; `erase` ends what this begins. True: is being erased, from now or already. Atomic. */
  abstract startErasing(id: string): Awaitable<boolean>;

  /** Whether the user is hidden and not yet gone. */
  abstract isErasing(id: string): Awaitable<boolean>;

  /** Removes every trace of the user. Unknown ids are fine. */
  abstract erase(id: string): Awaitable<void>;
}
