import { AppError } from '../common/app-error';
import type { Redis, Script } from '../storage/redis';
import { type Names, namesOf } from './redis-user-record';
import { CLAIM, HOLDS, KEEP, RELEASE, RESERVE, UNCLAIM } from './redis-user-scripts';

/** A change that is not through by then was left alone by its process; each of its steps takes 2.5 s at most. */
export const PENDING_MS = 30_000;

type Field = keyof Names;

const CONFLICTS: Readonly<Record<Field, string>> = {
  username: 'That username is taken',
  email: 'That e-mail address is registered already',
};

/**
 * Who has which name and which address. Each is a key in a slot of its own, a user's record in another: what must not
 * be given twice is reserved first, then noted in the record as taken in one step, and only that counts. So whoever
 * finds it reserved asks the record of the owner, and takes it away from one that was left behind.
 */
export class RedisUserNames {
  private readonly holdsScript: Script;
  private readonly claimScript: Script;
  private readonly unclaimScript: Script;
  private readonly reserveScript: Script;
  private readonly keepScript: Script;
  private readonly releaseScript: Script;

  constructor(
    private readonly redis: Redis,
    private readonly recordKey: (id: string) => string,
  ) {
    this.holdsScript = redis.script(HOLDS);
    this.claimScript = redis.script(CLAIM);
    this.unclaimScript = redis.script(UNCLAIM);
    this.reserveScript = redis.script(RESERVE);
    this.keepScript = redis.script(KEEP);
    this.releaseScript = redis.script(RELEASE);
  }

  /** The user who has the name or the address, or is about to have it. */
  async findOwner(field: Field, value: string): Promise<string | undefined> {
    const key = this.keyOf(field, value);
    const owner = await this.redis.run((client) => client.get(key));
    if (owner === null || (await this.isStale(field, value, owner))) {
      return undefined;
    }
    return owner;
  }

  /** Who an address leads to; that user's record says whether it is theirs. */
  async lookUp(field: Field, value: string): Promise<string | undefined> {
    return (await this.redis.run((client) => client.get(this.keyOf(field, value)))) ?? undefined;
  }

  /** Reserves names for the user. On a conflict some may be reserved. @throws AppError ConflictError */
  async reserve(id: string, names: Names): Promise<void> {
    const results = await Promise.allSettled(entriesOf(names).map((entry) => this.reserveOne(id, ...entry)));
    for (const result of results) {
      if (result.status === 'rejected') {
        throw result.reason;
      }
    }
  }

  /** Makes reservations last. False where one was lost meanwhile. */
  async keep(id: string, names: Names): Promise<boolean> {
    const kept = await Promise.all(
      entriesOf(names).map(([field, value]) => this.keepScript([this.keyOf(field, value)], [id])),
    );
    return kept.every((result) => result === 1);
  }

  /** Frees those of the names that are the user's. */
  async release(id: string, names: Names): Promise<void> {
    await Promise.all(entriesOf(names).map(([field, value]) => this.releaseScript([this.keyOf(field, value)], [id])));
  }

  /** Notes in the record what the user is about to take. Gives what they have; undefined where there is no such user. */
  async claim(id: string, names: Names): Promise<{ kind: string; names: Names } | undefined> {
    const found = (await this.claimScript([this.recordKey(id)], entriesOf(names).flat())) as string[] | null;
    if (!found) {
      return undefined;
    }
    const [kind = '', username = '', email] = found;
    return { kind, names: namesOf({ username, email: email ?? undefined }) };
  }

  /** Takes a claim back, and its reservations if the change was not carried out nevertheless. */
  async unclaim(id: string, claimed: Names, reserved: Names): Promise<void> {
    await this.unclaimScript([this.recordKey(id)], entriesOf(claimed).flat());
    await Promise.all(entriesOf(reserved).map(([field, value]) => this.isStale(field, value, id)));
  }

  private async reserveOne(id: string, field: Field, value: string): Promise<void> {
    const key = this.keyOf(field, value);
    let owner = (await this.reserveScript([key], [id, PENDING_MS])) as string;
    if (owner !== id && (await this.isStale(field, value, owner))) {
      owner = (await this.reserveScript([key], [id, PENDING_MS])) as string;
    }
    if (owner !== id) {
      throw new AppError('ConflictError', CONFLICTS[field]);
    }
  }

  /** Whether the reservation was left behind; then it is gone now. */
  private async isStale(field: Field, value: string, owner: string): Promise<boolean> {
    if ((await this.holdsScript([this.recordKey(owner)], [field, value, PENDING_MS])) === 1) {
      return false;
    }
    await this.release(owner, { [field]: value });
    return true;
  }

  private keyOf(field: Field, value: string): string {
    return this.redis.key(field, `{${value}}`);
  }
}

function entriesOf(names: Names): [Field, string][] {
  return Object.entries(names).filter((entry): entry is [Field, string] => entry[1] !== undefined);
}
