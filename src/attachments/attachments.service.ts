import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain } from '../common/awaitable';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import type { DueItem } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import {
  type Attachment,
  ATTACHMENT_DEADLINE,
  type AttachmentQuota,
  type AttachmentReference,
  AttachmentStore,
  type AttachmentTotals,
} from './attachment-store';
import { BlobStore, isBlobName, type OpenedBlob } from './blob-store';

/** An upload that is not stored by then gives its room back. */
const RESERVATION_MS = 120_000;

/** A file of this node that is to be stored, and what is known of it. */
export interface NewAttachment {
  readonly filename: string;
  /** Moved away from there. */
  readonly path: string;
  readonly size: number;
  readonly mimeType: string;
  readonly width: number;
  readonly height: number;
  /** How long it lives without a reference, ms. */
  readonly unusedMs: number;
}

/** Room that was taken for an upload. Give it back with `cancel`, unless `keep` has succeeded. */
export interface UploadRoom {
  readonly reservationId: string;
  readonly ownerId: string;
}

/**
 * The life of uploaded files of every kind: quota, what refers to them, and their end. Records go first and blobs follow
 * at once but unawaited, so that erasing a message does not wait for a disk; a blob that could not be deleted is an
 * orphan, which `UploadsJob` finds.
 */
@Injectable()
export class AttachmentsService implements OnApplicationShutdown {
  private readonly logger = new Logger(AttachmentsService.name);
  private readonly quota: AttachmentQuota;
  private readonly deletions = new Set<Promise<void>>();

  constructor(
    private readonly store: AttachmentStore,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
    private readonly ids: Ids,
    config: AppConfig,
    expiry: ExpiryService,
  ) {
    const { UPLOADS_MAX_BYTES: totalBytes, UPLOADS_MAX_BYTES_PER_USER: ownerBytes } = config.env;
    this.quota = { totalBytes, ownerBytes };
    expiry.own(ATTACHMENT_DEADLINE, (due) => this.sweep(due));
  }

  /** Takes room for an upload of so many bytes. @throws AppError CapacityError where the quota is used up */
  async reserve(ownerId: string, size: number): Promise<UploadRoom> {
    const id = this.ids.id();
    await this.store.reserve({ id, ownerId, size, until: this.clock.now() + RESERVATION_MS }, this.quota);
    return { reservationId: id, ownerId };
  }

  /** Gives the room back; after `keep` it does nothing. */
  async cancel({ reservationId }: UploadRoom): Promise<void> {
    await this.store.remove(reservationId);
  }

  /**
   * Stores a file in the room that was taken for it; it has no references yet.
   * @throws AppError CapacityError where it is larger than that and exceeds the quota, or came too late
   */
  async keep(room: UploadRoom, { path, unusedMs, ...file }: NewAttachment): Promise<Attachment> {
    const createdAt = this.clock.now();
    const record = { ...file, ownerId: room.ownerId, createdAt, unusedUntil: createdAt + unusedMs };
    // The record first: a blob without one may be taken for an orphan at any time.
    if (!(await this.store.settle(room.reservationId, record, this.quota))) {
      throw new AppError('CapacityError', 'The upload took too long, please try again');
    }
    try {
      await this.blobs.putFile(file.filename, path);
    } catch (error) {
      await this.remove(file.filename);
      throw error;
    }
    // Its owner may have been erased meanwhile, before there was a blob to delete.
    if (!(await this.store.find(file.filename))) {
      await this.blobs.delete(file.filename);
      throw noSuchFile();
    }
    return Object.freeze({ ...record, references: [] });
  }

  /** A living attachment; undefined for what is gone, never was, or has a name that none can have. */
  find(filename: string): Awaitable<Attachment | undefined> {
    return isBlobName(filename) ? this.store.find(filename) : undefined;
  }

  /** The bytes; undefined where they are gone. The stream must be read or destroyed. */
  open(filename: string): Promise<OpenedBlob | undefined> {
    return this.blobs.open(filename);
  }

  /**
   * A holder (a message) shows an attachment of its sender's from now on and keeps it alive; called again for the same
   * holder it moves the deadline. @throws AppError NotFoundError: none of this owner's, never was, or is gone;
   * CapacityError: shown in too many places
   */
  refer(ownerId: string, filename: string, reference: AttachmentReference): Awaitable<Attachment> {
    if (!isBlobName(filename)) {
      throw noSuchFile();
    }
    return chain(this.store.refer(filename, ownerId, reference), (attachment) => {
      if (!attachment) {
        throw noSuchFile();
      }
      return attachment;
    });
  }

  /** The holder is gone: with the last one the attachment goes too, used or not. Idempotent. */
  release(filename: string, holder: string): Awaitable<void> {
    return chain(this.store.release(filename, holder), (gone) => this.deleteBlobs(gone ? [filename] : []));
  }

  /** The holder never came to be (its message was refused): undoes `refer`. Idempotent. */
  withdraw(filename: string, holder: string): Awaitable<void> {
    return chain(this.store.withdraw(filename, holder), (gone) => this.deleteBlobs(gone ? [filename] : []));
  }

  /** Removes an attachment, whatever refers to it. True: it was there. */
  remove(filename: string): Awaitable<boolean> {
    return chain(this.store.remove(filename), (gone) => {
      this.deleteBlobs(gone ? [filename] : []);
      return gone;
    });
  }

  /** Removes everything that a user uploaded: they are being erased. Idempotent. */
  eraseOwned(ownerId: string): Awaitable<void> {
    return chain(this.store.removeOwned(ownerId), (filenames) => this.deleteBlobs(filenames));
  }

  /** Deletes those of these blobs that no record knows, and gives how many that were. */
  async deleteOrphans(filenames: readonly string[]): Promise<number> {
    const orphans = await this.store.filterUnknown(filenames);
    await Promise.all(orphans.map((filename) => this.blobs.delete(filename)));
    return orphans.length;
  }

  /** How much there is. */
  totals(): Awaitable<AttachmentTotals> {
    return this.store.totals();
  }

  /** Resolves when the deletions under way are done. */
  async settled(): Promise<void> {
    await Promise.all(this.deletions);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.settled();
  }

  private async sweep(due: DueItem[]): Promise<void> {
    this.deleteBlobs(await this.store.sweep(due.map(({ key }) => key)));
  }

  private deleteBlobs(filenames: readonly string[]): void {
    for (const filename of filenames) {
      const deletion = this.blobs
        .delete(filename)
        .catch((error: unknown) => this.logger.error({ reason: codeOf(error) }, 'A file could not be deleted yet'))
        .finally(() => this.deletions.delete(deletion));
      this.deletions.add(deletion);
    }
  }
}

/** Messages of file systems name files: for the log the code must do. */
function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

function noSuchFile(): AppError {
  return new AppError('NotFoundError', 'There is no such file of yours');
}
