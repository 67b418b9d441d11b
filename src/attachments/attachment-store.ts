import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';

/** Deadlines of attachments on the expiry queue; the key is the filename, or the reservation's id. */
export const ATTACHMENT_DEADLINE = 'attachment';

/** Most places that may show one attachment at once. */
export const MAX_REFERENCES = 1000;

/** Disks give space in blocks: a smaller file counts as one, which bounds how many files fit into a quota. */
const BLOCK_BYTES = 4096;

/** What a file of so many bytes counts against a quota. */
export function chargedBytes(size: number): number {
  return Math.ceil(Math.max(size, 1) / BLOCK_BYTES) * BLOCK_BYTES;
}

/** A quota that an upload would exceed. */
export function quotaError(exceeded: 'total' | 'owner'): AppError {
  const whose = exceeded === 'total' ? 'The server has no room for more files' : 'You have too many files';
  return new AppError('CapacityError', `${whose}, wait until some have expired`);
}

/** A file with `MAX_REFERENCES`. */
export function tooManyPlaces(): AppError {
  return new AppError('CapacityError', 'The file is shown in too many places');
}

/** Something that shows an attachment, and keeps it alive. */
export interface AttachmentReference {
  /** A message's id, or another name that is unique over all kinds of holders: letters, digits, `_`, `-`. */
  readonly holder: string;
  /** The room it stands in; null for a holder that stands in none (an avatar). */
  readonly roomId: string | null;
  /** From this instant (epoch ms) the holder is gone; null: until it is released. */
  readonly expiresAt: number | null;
}

/** A stored file. Frozen; its bytes are in the blob store under `filename`. */
export interface Attachment {
  /** Random, and the name of its blob. */
  readonly filename: string;
  readonly ownerId: string;
  /** Bytes. */
  readonly size: number;
  readonly mimeType: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Until then it lives without a reference, epoch ms. */
  readonly unusedUntil: number;
  /** The living ones only. */
  readonly references: readonly AttachmentReference[];
}

/** Room on the disk for an upload whose name and size are not known yet. */
export interface Reservation {
  readonly id: string;
  readonly ownerId: string;
  /** Bytes. */
  readonly size: number;
  /** When it lapses if it is not settled, epoch ms. */
  readonly until: number;
}

/** Bytes that all attachments together, and those of one owner, may take, reservations included. */
export interface AttachmentQuota {
  readonly totalBytes: number;
  readonly ownerBytes: number;
}

export interface AttachmentTotals {
  /** Without reservations. */
  readonly count: number;
  /** As they count against the quota, reservations included. */
  readonly bytes: number;
}

/**
 * What is known of uploaded files, and what keeps each of them: it lives until `unusedUntil`, or, once it was referred
 * to, exactly as long as one of its references lives. One that is dead is in no answer, whether it is freed yet or not.
 *
 * Every method is atomic. A driver has the expiry queue (`ATTACHMENT_DEADLINE`) hand out each record when it dies, or
 * before: `sweep` puts those that live on it again. The store knows no blobs: where a method says that a record is gone,
 * the caller deletes the blob; what a crash leaves there is found by `filterUnknown`.
 */
export abstract class AttachmentStore {
  /** Takes room for an upload. @throws AppError CapacityError where it would exceed the quota */
  abstract reserve(reservation: Reservation, quota: AttachmentQuota): Awaitable<void>;

  /**
   * Puts an attachment, without references, in place of its reservation; its real size counts from now on. False where
   * the reservation has lapsed or was removed: nothing is stored then.
   * @throws AppError CapacityError where the file is larger than reserved and exceeds the quota; the reservation stays
   */
  abstract settle(
    reservationId: string,
    attachment: Omit<Attachment, 'references'>,
    quota: AttachmentQuota,
  ): Awaitable<boolean>;

  /** A living attachment; undefined for a reservation, and for what is gone or never was. */
  abstract find(filename: string): Awaitable<Attachment | undefined>;

  /**
   * Adds a reference to a living attachment of this owner, or moves the deadline of the one that its holder has.
   * Undefined: there is no such attachment, or it is another's.
   * @throws AppError CapacityError where it has `MAX_REFERENCES` others
   */
  abstract refer(filename: string, ownerId: string, reference: AttachmentReference): Awaitable<Attachment | undefined>;

  /**
   * The holder is gone. With the last reference the record goes too. True: the record is gone now; false: something
   * else keeps it, or there is no such reference. Idempotent.
   */
  abstract release(filename: string, holder: string): Awaitable<boolean>;

  /**
   * The holder never came to be: as if `refer` had not been called, so an attachment that was not used yet lives on
   * unused. True: the record is gone now. Idempotent.
   */
  abstract withdraw(filename: string, holder: string): Awaitable<boolean>;

  /** Removes the record, or the reservation, whatever keeps it. True: it was there. */
  abstract remove(key: string): Awaitable<boolean>;

  /** Removes everything of an owner, reservations too. Gives the filenames. */
  abstract removeOwned(ownerId: string): Awaitable<string[]>;

  /**
   * For the owner of the deadlines: removes those of the records and reservations that are dead, and schedules the
   * others again. Gives the filenames of the removed.
   */
  abstract sweep(keys: readonly string[]): Awaitable<string[]>;

  /** Those of the filenames that no record has, living or dead: their blobs are orphans. */
  abstract filterUnknown(filenames: readonly string[]): Awaitable<string[]>;

  /** How much there is in all. */
  abstract totals(): Awaitable<AttachmentTotals>;
}
