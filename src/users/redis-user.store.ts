import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { IdentityKind } from '../common/identity';
import { Redis, type Script } from '../storage/redis';
import { unavailable } from '../storage/redis-errors';
import { RedisUserDevices } from './redis-user-devices';
import { RedisUserIndex } from './redis-user-index';
import { PENDING_MS, RedisUserNames } from './redis-user-names';
import { type Fields, fieldsOf, type Names, namesOf, pairsOf, toRecord, without } from './redis-user-record';
import { APPLY, COMMIT, PREPARE, SET_PASSWORD, START_ERASING, TOUCH } from './redis-user-scripts';
import { type Device, type NewUser, type UserChanges, type UserPage, type UserRecord, UserStore } from './user-store';

/** Two changes of one user's name that meet: one of them begins anew. */
const MAX_TRIES = 3;

/**
 * A user is a hash, the password hash a key beside it in the same slot. Round trips: 1 for `find`, `touch` and a change
 * of the profile, 2 for `findByEmail`, 5 to create an account or to change its name, 3 to erase one.
 */
@Injectable()
export class RedisUserStore extends UserStore {
  private readonly names: RedisUserNames;
  private readonly index: RedisUserIndex;
  private readonly devices: RedisUserDevices;
  private readonly prepareScript: Script;
  private readonly commitScript: Script;
  private readonly applyScript: Script;
  private readonly touchScript: Script;
  private readonly setPasswordScript: Script;
  private readonly startErasingScript: Script;

  constructor(private readonly redis: Redis) {
    super();
    this.names = new RedisUserNames(redis, (id) => this.recordKey(id));
    this.index = new RedisUserIndex(redis);
    this.devices = new RedisUserDevices(redis, (id) => [this.recordKey(id), this.devicesKey(id)]);
    this.prepareScript = redis.script(PREPARE);
    this.commitScript = redis.script(COMMIT);
    this.applyScript = redis.script(APPLY);
    this.touchScript = redis.script(TOUCH);
    this.setPasswordScript = redis.script(SET_PASSWORD);
    this.startErasingScript = redis.script(START_ERASING);
  }

  override async create(user: NewUser, most: number): Promise<UserRecord> {
    const { id, kind, passwordHash, ...profile } = user;
    const fields = pairsOf({ kind, ...profile, lastSeen: user.createdAt });
    if ((await this.prepareScript([this.recordKey(id)], [PENDING_MS, ...fields])) !== 1) {
      throw new AppError('ConflictError', 'That user exists already');
    }
    const names = kind === 'account' ? namesOf(user) : {};
    try {
      await this.enter(user, names, most);
      const kept = await this.names.keep(id, names);
      const args = passwordHash === undefined ? [] : [passwordHash];
      if (!kept || (await this.commitScript(this.keysOf(id), args)) !== 1) {
        throw unavailable();
      }
    } catch (error) {
      await this.takeBack(id, names);
      throw error;
    }
    await this.index.settle(id, kind === 'account' ? { rev: 1, username: user.username } : undefined);
    return toRecord(id, fieldsOf(fields));
  }

  override async find(id: string): Promise<UserRecord | undefined> {
    const [user] = await this.findMany([id]);
    return user;
  }

  override async findMany(ids: readonly string[]): Promise<UserRecord[]> {
    const found = await this.redis.run((client) => Promise.all(ids.map((id) => client.hgetall(this.recordKey(id)))));
    return found.flatMap((fields, i) => (fields.state === 'live' ? toRecord(ids[i] ?? '', fields) : []));
  }

  override async findByEmail(email: string): Promise<UserRecord | undefined> {
    const id = await this.names.lookUp('email', email);
    const user = id === undefined ? undefined : await this.find(id);
    return user?.email === email ? user : undefined;
  }

  override async isNameTaken(username: string): Promise<boolean> {
    return (await this.names.findOwner('username', username.toLowerCase())) !== undefined;
  }

  override async findPasswordHash(id: string): Promise<string | undefined> {
    return (await this.redis.run((client) => client.get(this.passwordKey(id)))) ?? undefined;
  }

  override async setPasswordHash(id: string, hash: string, expected?: string): Promise<boolean> {
    const args = expected === undefined ? [hash] : [hash, expected];
    return (await this.setPasswordScript(this.keysOf(id), args)) === 1;
  }

  override async update(id: string, changes: UserChanges): Promise<UserRecord | undefined> {
    const wanted = namesOf(changes);
    if (wanted.username === undefined && wanted.email === undefined) {
      const fields = await this.apply(id, changes, {});
      return fields && fields !== 'lost' ? toRecord(id, fields) : undefined;
    }
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const fields = await this.rename(id, changes, wanted);
      if (fields !== 'lost') {
        return fields && toRecord(id, fields);
      }
    }
    throw unavailable();
  }

  override async touch(id: string, at: number): Promise<void> {
    await this.touchScript([this.recordKey(id)], [at]);
  }

  override async list(limit: number, after: string | undefined, except: string): Promise<UserPage> {
    const users: UserRecord[] = [];
    let last = after ?? '0';
    for (let from = last; ;) {
      // One more says whether there is a next page; another may be the one that is left out.
      const wanted = limit - users.length + 2;
      const places = await this.index.listAfter(from, wanted);
      const found = new Map((await this.findMany(places.map(({ id }) => id))).map((user) => [user.id, user]));
      for (const { id, seq } of places) {
        from = seq;
        const user = found.get(id);
        if (user && id !== except) {
          if (users.length === limit) {
            return { users, next: last };
          }
          users.push(user);
          last = seq;
        }
      }
      if (places.length < wanted) {
        return { users };
      }
    }
  }

  override async search(prefix: string, limit: number): Promise<UserRecord[]> {
    return this.findMany(await this.index.find(prefix, limit));
  }

  override saveDevice(id: string, device: Device, most: number): Promise<Device | undefined> {
    return this.devices.save(id, device, most);
  }

  override listDevices(id: string): Promise<Device[]> {
    return this.devices.list(id);
  }

  override count(kind: IdentityKind): Promise<number> {
    return this.index.count(kind);
  }

  override async startErasing(id: string): Promise<boolean> {
    return (await this.startErasingScript(this.keysOf(id), [])) !== null;
  }

  override async isErasing(id: string): Promise<boolean> {
    return (await this.redis.run((client) => client.hget(this.recordKey(id), 'state'))) === 'erasing';
  }

  override async erase(id: string): Promise<void> {
    const found = (await this.startErasingScript(this.keysOf(id), [])) as [string, string | null] | null;
    if (found) {
      const [username, email] = found;
      const names = namesOf({ username, email: email ?? undefined });
      // The record goes last: while it is there, the erasure is not through and will be done again.
      await Promise.all([this.index.settle(id, 'gone'), this.names.release(id, names)]);
      await this.remove(id);
    }
  }

  /** Takes the names of a new user and counts it in. @throws AppError ConflictError, CapacityError */
  private async enter({ id, kind, username }: NewUser, names: Names, most: number): Promise<void> {
    const [reserved, counted] = await Promise.allSettled([
      kind === 'account' ? this.names.reserve(id, names) : this.assertFree(username),
      this.index.enter(id, kind, most),
    ]);
    if (reserved.status === 'rejected') {
      throw reserved.reason;
    }
    if (counted.status === 'rejected') {
      throw counted.reason;
    }
    await Promise.all(counted.value.leftOpen.map((other) => this.heal(other)));
    if (!counted.value.entered) {
      throw new AppError('CapacityError', 'There is no room for more users');
    }
  }

  /** A guest may not have an account's name. */
  private async assertFree(username: string): Promise<void> {
    if (await this.isNameTaken(username)) {
      throw new AppError('ConflictError', 'That username is taken');
    }
  }

  /**
   * Undoes a creation that failed. The record first: only when it is gone may others have the names. Where Redis does
   * not answer, what is left ends by itself or is settled by a later creation.
   */
  private async takeBack(id: string, names: Names): Promise<void> {
    try {
      await this.remove(id);
      await Promise.all([this.index.settle(id, 'gone'), this.names.release(id, names)]);
    } catch {
      // The error that led here is the one to be told.
    }
  }

  /** Makes the index say of a user what the record says. */
  private async heal(id: string): Promise<void> {
    const { kind, state, rev, username = '' } = await this.redis.run((client) => client.hgetall(this.recordKey(id)));
    if (state === undefined) {
      await this.index.settle(id, 'gone');
    } else if (state !== 'pending') {
      await this.index.settle(id, kind === 'account' ? { rev: Number(rev), username } : undefined);
    }
  }

  /** Changes name or address and whatever else is to be changed. `lost`: another change of these came between. */
  private async rename(id: string, changes: UserChanges, wanted: Names): Promise<Fields | undefined | 'lost'> {
    const before = await this.names.claim(id, wanted);
    if (!before) {
      return undefined;
    }
    const account = before.kind === 'account';
    const taken = account ? without(wanted, before.names) : {};
    const fields = await this.applyNames(id, changes, wanted, taken, account).catch(async (error: unknown) => {
      await this.names.unclaim(id, wanted, taken).catch(() => undefined);
      throw error;
    });
    if (!fields || fields === 'lost') {
      await this.names.unclaim(id, wanted, taken);
    } else if (account) {
      const left = without(before.names, { ...before.names, ...wanted });
      const now = { rev: Number(fields.rev), username: fields.username ?? '' };
      await Promise.all([this.names.release(id, left), this.index.settle(id, now)]);
    }
    return fields;
  }

  /** @throws AppError ConflictError */
  private async applyNames(
    id: string,
    changes: UserChanges,
    wanted: Names,
    taken: Names,
    account: boolean,
  ): Promise<Fields | undefined | 'lost'> {
    if (account) {
      await Promise.all([this.names.reserve(id, taken), this.index.open(id)]);
    } else if (changes.username !== undefined) {
      await this.assertFree(changes.username);
    }
    if (!(await this.names.keep(id, taken))) {
      throw unavailable();
    }
    return this.apply(id, changes, wanted);
  }

  private async apply(id: string, changes: UserChanges, claimed: Names): Promise<Fields | undefined | 'lost'> {
    const set = pairsOf(changes);
    const removed = Object.entries(changes).flatMap(([field, value]) => (value === null ? field : []));
    const args = [claimed.username ?? '', claimed.email ?? '', set.length, ...set, ...removed];
    const result = (await this.applyScript([this.recordKey(id)], args)) as string[] | 0 | null;
    return result === 0 ? 'lost' : result === null ? undefined : fieldsOf(result);
  }

  private async remove(id: string): Promise<void> {
    await this.redis.run((client) => client.unlink(...this.keysOf(id)));
  }

  private keysOf(id: string): [record: string, password: string, devices: string] {
    return [this.recordKey(id), this.passwordKey(id), this.devicesKey(id)];
  }

  private recordKey(id: string): string {
    return this.redis.key(`{u:${id}}`);
  }

  private passwordKey(id: string): string {
    return this.redis.key(`{u:${id}}`, 'password');
  }

  private devicesKey(id: string): string {
    return this.redis.key(`{u:${id}}`, 'devices');
  }
}
