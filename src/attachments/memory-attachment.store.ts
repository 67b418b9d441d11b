import { Injectable } from '@nestjs/common';
import { Clock } from '../common/clock';
import { LocalExpiryQueue } from '../expiry/memory-expiry-queue';
import {
  type Attachment,
  ATTACHMENT_DEADLINE,
  type AttachmentQuota,
  type AttachmentReference,
  AttachmentStore,
  type AttachmentTotals,
  chargedBytes,
  MAX_REFERENCES,
  quotaError,
  type Reservation,
  tooManyPlaces,
} from './attachment-store';

type Stored = Omit<Attachment, 'references'>;

interface Entry {
  /** The filename, or the reservation's id. */
  readonly key: string;
  readonly ownerId: string;
  /** As it counts against the quota. */
  readonly bytes: number;
  /** Undefined: a reservation. */
  readonly stored: Stored | undefined;
  /** Without references it dies at this instant, epoch ms; 0 once a holder of it has gone. */
  unusedUntil: number;
  readonly references: Map<string, AttachmentReference>;
}

interface Owner {
  bytes: number;
  readonly keys: Set<string>;
}

/** Everything in one process: each method is done when it returns. */
@Injectable()
export class MemoryAttachmentStore extends AttachmentStore {
  private readonly entries = new Map<string, Entry>();
  private readonly owners = new Map<string, Owner>();
  private bytes = 0;
  private stored = 0;

  constructor(
    private readonly clock: Clock,
    // What this node alone knows must not be handed to another, whatever the driver of the shared queue.
    private readonly queue: LocalExpiryQueue,
  ) {
    super();
  }

  /** Records and reservations that are kept, dead ones too. */
  get size(): number {
    return this.entries.size;
  }

  override reserve({ id, ownerId, size, until }: Reservation, quota: AttachmentQuota): void {
    const bytes = chargedBytes(size);
    this.checkQuota(ownerId, bytes, quota);
    this.add({ key: id, ownerId, bytes, stored: undefined, unusedUntil: until, references: new Map() });
  }

  override settle(reservationId: string, attachment: Stored, quota: AttachmentQuota): boolean {
    const reservation = this.entries.get(reservationId);
    if (!reservation || reservation.stored || !this.isAlive(reservation)) {
      return false;
    }
    const { filename, ownerId, unusedUntil } = attachment;
    const bytes = chargedBytes(attachment.size);
    if (bytes > reservation.bytes) {
      this.checkQuota(ownerId, bytes - reservation.bytes, quota);
    }
    this.drop(reservation);
    const stored = Object.freeze({ ...attachment });
    this.add({ key: filename, ownerId, bytes, stored, unusedUntil, references: new Map() });
    return true;
  }

  override find(filename: string): Attachment | undefined {
    const entry = this.entries.get(filename);
    return entry && this.isAlive(entry) ? this.view(entry) : undefined;
  }

  override refer(filename: string, ownerId: string, reference: AttachmentReference): Attachment | undefined {
    const entry = this.entries.get(filename);
    if (!entry?.stored || entry.ownerId !== ownerId || !this.isAlive(entry)) {
      return undefined;
    }
    if (!entry.references.has(reference.holder) && entry.references.size >= MAX_REFERENCES) {
      throw tooManyPlaces();
    }
    entry.references.set(reference.holder, Object.freeze({ ...reference }));
    this.schedule(entry);
    return this.isAlive(entry) ? this.view(entry) : undefined;
  }

  override release(filename: string, holder: string): boolean {
    return this.unrefer(filename, holder, true);
  }

  override withdraw(filename: string, holder: string): boolean {
    return this.unrefer(filename, holder, false);
  }

  override remove(key: string): boolean {
    const entry = this.entries.get(key);
    if (entry) {
      this.drop(entry);
    }
    return entry !== undefined;
  }

  override removeOwned(ownerId: string): string[] {
    const keys = [...(this.owners.get(ownerId)?.keys ?? [])];
    return this.dropAll(keys.flatMap((key) => this.entries.get(key) ?? []));
  }

  override sweep(keys: readonly string[]): string[] {
    const entries = keys.flatMap((key) => this.entries.get(key) ?? []);
    entries.filter((entry) => this.isAlive(entry)).forEach((entry) => this.schedule(entry));
    return this.dropAll(entries.filter((entry) => !this.isAlive(entry)));
  }

  override filterUnknown(filenames: readonly string[]): string[] {
    return filenames.filter((filename) => !this.entries.has(filename));
  }

  override totals(): AttachmentTotals {
    return { count: this.stored, bytes: this.bytes };
  }

  private unrefer(filename: string, holder: string, used: boolean): boolean {
    const entry = this.entries.get(filename);
    if (!entry?.references.delete(holder)) {
      return false;
    }
    if (used) {
      entry.unusedUntil = 0;
    }
    if (!this.isAlive(entry)) {
      this.drop(entry);
      return true;
    }
    this.schedule(entry);
    return false;
  }

  private isAlive({ references, unusedUntil }: Entry): boolean {
    const now = this.clock.now();
    if (references.size === 0) {
      return unusedUntil > now;
    }
    for (const reference of references.values()) {
      if (isAliveAt(reference, now)) {
        return true;
      }
    }
    return false;
  }

  private view({ stored, references }: Entry): Attachment | undefined {
    const now = this.clock.now();
    const living = [...references.values()].filter((reference) => isAliveAt(reference, now));
    return stored && Object.freeze({ ...stored, references: Object.freeze(living) });
  }

  private checkQuota(ownerId: string, more: number, quota: AttachmentQuota): void {
    if (this.bytes + more > quota.totalBytes) {
      throw quotaError('total');
    }
    if ((this.owners.get(ownerId)?.bytes ?? 0) + more > quota.ownerBytes) {
      throw quotaError('owner');
    }
  }

  private add(entry: Entry): void {
    this.entries.set(entry.key, entry);
    this.bytes += entry.bytes;
    this.stored += entry.stored ? 1 : 0;
    const owner = this.owners.get(entry.ownerId) ?? { bytes: 0, keys: new Set() };
    owner.bytes += entry.bytes;
    owner.keys.add(entry.key);
    this.owners.set(entry.ownerId, owner);
    this.schedule(entry);
  }

  private drop(entry: Entry): void {
    this.entries.delete(entry.key);
    this.bytes -= entry.bytes;
    this.stored -= entry.stored ? 1 : 0;
    const owner = this.owners.get(entry.ownerId);
    if (owner) {
      owner.bytes -= entry.bytes;
      owner.keys.delete(entry.key);
      if (owner.keys.size === 0) {
        this.owners.delete(entry.ownerId);
      }
    }
    this.queue.cancel(ATTACHMENT_DEADLINE, entry.key);
  }

  private dropAll(entries: Entry[]): string[] {
    entries.forEach((entry) => this.drop(entry));
    return entries.flatMap(({ stored }) => stored?.filename ?? []);
  }

  private schedule({ key, references, unusedUntil }: Entry): void {
    let at = references.size === 0 ? unusedUntil : 0;
    for (const { expiresAt } of references.values()) {
      at = Math.max(at, expiresAt ?? Infinity);
    }
    if (at === Infinity) {
      this.queue.cancel(ATTACHMENT_DEADLINE, key);
    } else {
      this.queue.schedule(ATTACHMENT_DEADLINE, key, at);
    }
  }
}

function isAliveAt({ expiresAt }: AttachmentReference, now: number): boolean {
  return expiresAt === null || expiresAt > now;
}
