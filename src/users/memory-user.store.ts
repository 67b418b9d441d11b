import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { IdentityKind } from '../common/identity';
import { MemoryDevices } from './memory-devices';
import { NameIndex } from './name-index';
import { type Device, type NewUser, type UserChanges, type UserPage, type UserRecord, UserStore } from './user-store';

/** An account's place in the order of creation. */
interface Place {
  readonly seq: number;
  readonly id: string;
}

/** Everything in maps; records are frozen and replaced, so that they can be handed out as they are. */
@Injectable()
export class MemoryUserStore extends UserStore {
  private readonly records = new Map<string, UserRecord>();
  private readonly erasing = new Map<string, UserRecord>();
  private readonly hashes = new Map<string, string>();
  /** Of accounts, those being erased too: lower case → id. */
  private readonly names = new Map<string, string>();
  private readonly emails = new Map<string, string>();
  private readonly index = new NameIndex();
  /** Accounts in the order of creation; a page is a binary search and a slice. */
  private readonly order: Place[] = [];
  private readonly seqs = new Map<string, number>();
  private readonly devices = new MemoryDevices();
  private readonly counts: Record<IdentityKind, number> = { account: 0, guest: 0 };
  private lastSeq = 0;

  override create(user: NewUser, most: number): UserRecord {
    const { passwordHash, ...profile } = user;
    this.assertFree(user.id, user.username, user.email);
    if (this.counts[user.kind] >= most) {
      throw new AppError('CapacityError', 'There is no room for more users');
    }
    const record = Object.freeze({ ...profile, lastSeen: user.createdAt });
    this.records.set(user.id, record);
    this.counts[user.kind]++;
    if (passwordHash !== undefined) {
      this.hashes.set(user.id, passwordHash);
    }
    if (user.kind === 'account') {
      this.claim(record);
      this.index.add(record.username, record.id);
      this.order.push({ seq: ++this.lastSeq, id: record.id });
      this.seqs.set(record.id, this.lastSeq);
    }
    return record;
  }

  override find(id: string): UserRecord | undefined {
    return this.records.get(id);
  }

  override findMany(ids: readonly string[]): UserRecord[] {
    return ids.flatMap((id) => this.records.get(id) ?? []);
  }

  override findByEmail(email: string): UserRecord | undefined {
    return this.records.get(this.emails.get(email) ?? '');
  }

  override isNameTaken(username: string): boolean {
    return this.names.has(username.toLowerCase());
  }

  override findPasswordHash(id: string): string | undefined {
    return this.hashes.get(id);
  }

  override setPasswordHash(id: string, hash: string, expected?: string): boolean {
    const current = this.hashes.get(id);
    if (current === undefined || (expected !== undefined && current !== expected)) {
      return false;
    }
    this.hashes.set(id, hash);
    return true;
  }

  override update(id: string, changes: UserChanges): UserRecord | undefined {
    const before = this.records.get(id);
    if (!before) {
      return undefined;
    }
    this.assertFree(id, changes.username, changes.email);
    const merged = Object.entries({ ...before, ...definedOf(changes) }).filter(([, value]) => value !== null);
    const after = Object.freeze(Object.fromEntries(merged) as unknown as UserRecord);
    this.records.set(id, after);
    if (after.kind === 'account') {
      this.release(before);
      this.claim(after);
      if (after.username !== before.username) {
        this.index.remove(before.username, id);
        this.index.add(after.username, id);
      }
    }
    return after;
  }

  override touch(id: string, at: number): void {
    const record = this.records.get(id);
    if (record && at > record.lastSeen) {
      this.records.set(id, Object.freeze({ ...record, lastSeen: at }));
    }
  }

  override list(limit: number, after: string | undefined, except: string): UserPage {
    const users: UserRecord[] = [];
    let last: number | undefined;
    for (let at = this.firstAfter(Number(after ?? 0)); at < this.order.length; at++) {
      const place = this.order[at];
      const record = place && this.records.get(place.id);
      if (!record || record.id === except) {
        continue;
      }
      if (users.length === limit) {
        return { users, next: String(last) };
      }
      users.push(record);
      last = place.seq;
    }
    return { users };
  }

  override search(prefix: string, limit: number): UserRecord[] {
    return this.findMany(this.index.find(prefix, limit));
  }

  override saveDevice(id: string, device: Device, most: number): Device | undefined {
    return this.records.has(id) ? this.devices.save(id, device, most) : undefined;
  }

  override listDevices(id: string): Device[] {
    return this.devices.list(id);
  }

  override count(kind: IdentityKind): number {
    return this.counts[kind];
  }

  override startErasing(id: string): boolean {
    const record = this.records.get(id);
    if (!record) {
      return this.erasing.has(id);
    }
    this.records.delete(id);
    this.erasing.set(id, record);
    this.hashes.delete(id);
    this.devices.forget(id);
    const seq = this.seqs.get(id);
    if (seq !== undefined) {
      this.order.splice(this.firstAfter(seq - 1), 1);
      this.seqs.delete(id);
      this.index.remove(record.username, id);
    }
    return true;
  }

  override isErasing(id: string): boolean {
    return this.erasing.has(id);
  }

  override erase(id: string): void {
    this.startErasing(id);
    const record = this.erasing.get(id);
    if (record) {
      this.erasing.delete(id);
      this.release(record);
      this.counts[record.kind]--;
    }
  }

  private assertFree(id: string, username: string | undefined, email: string | undefined): void {
    const named = this.names.get(username?.toLowerCase() ?? '');
    if (named !== undefined && named !== id) {
      throw new AppError('ConflictError', 'That username is taken');
    }
    const addressed = this.emails.get(email ?? '');
    if (addressed !== undefined && addressed !== id) {
      throw new AppError('ConflictError', 'That e-mail address is registered already');
    }
  }

  private claim({ id, username, email }: UserRecord): void {
    this.names.set(username.toLowerCase(), id);
    if (email !== undefined) {
      this.emails.set(email, id);
    }
  }

  private release({ id, username, email }: UserRecord): void {
    if (this.names.get(username.toLowerCase()) === id) {
      this.names.delete(username.toLowerCase());
    }
    if (email !== undefined && this.emails.get(email) === id) {
      this.emails.delete(email);
    }
  }

  /** Index in `order` of the first account whose place is beyond `seq`. */
  private firstAfter(seq: number): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.order[middle]?.seq ?? Infinity) <= seq) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}

function definedOf(changes: UserChanges): UserChanges {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}
