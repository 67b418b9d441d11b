import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { Clock } from '../common/clock';
import type { Identity } from '../common/identity';
import { type DueItem, ExpiryQueue } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import { avatarHolder, isAvatarHolder } from '../users/avatar';
import { ProfilesService } from '../users/profiles.service';
import { UsersService } from '../users/users.service';
import type { AttachmentReference } from './attachment-store';
import { AttachmentsService } from './attachments.service';
import type { ImagePurpose, ReceivedImage } from './images.service';
import { ImagesService } from './images.service';
import type { ImageViewers } from './image-viewers';

const CHECK = 'avatar';
/** When it is looked whether a picture that was, or was to be, an avatar is one; longer than a change takes. */
const CHECK_MS = 60_000;
const SIDE = 256;
const QUALITY = 80;

/**
 * Pictures of accounts. A picture is kept by the reference of its account, without an end. Record and reference are two
 * steps: before them a look at the pictures concerned is put on the expiry queue, so that one that a change which died
 * in between left without an account goes a minute later.
 */
@Injectable()
export class AvatarsService implements OnModuleInit, ImageViewers {
  private readonly purpose: ImagePurpose = {
    profile: { width: SIDE, height: SIDE, fit: 'cover', format: 'webp', quality: QUALITY, animated: false },
    unusedMs: CHECK_MS,
  };

  constructor(
    private readonly images: ImagesService,
    private readonly attachments: AttachmentsService,
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
    private readonly queue: ExpiryQueue,
    private readonly clock: Clock,
    expiry: ExpiryService,
  ) {
    expiry.own(CHECK, (due) => this.check(due));
  }

  onModuleInit(): void {
    this.images.addViewers(this);
  }

  isShown(_filename: string, { holder }: AttachmentReference): boolean {
    return isAvatarHolder(holder);
  }

  /** A profile is public among those who have a token, and so is its picture. */
  mayView(_identity: Identity, _filename: string, references: readonly AttachmentReference[]): boolean {
    return references.some(({ holder }) => isAvatarHolder(holder));
  }

  /** Makes an image the account's avatar; gives its link. @throws AppError as `ImagesService.takeIn` */
  async put({ userId }: Identity, received: ReceivedImage): Promise<string> {
    const { filename } = await this.images.takeIn(userId, received, this.purpose);
    try {
      const { avatar: before } = await this.users.get(userId);
      await this.checkLater(userId, filename, before);
      await this.attachments.refer(userId, filename, { holder: avatarHolder(userId), roomId: null, expiresAt: null });
      const user = await this.users.update(userId, { avatar: filename });
      await this.drop(userId, before);
      return this.profiles.avatarUrl(user) ?? '';
    } catch (error) {
      if (error instanceof AppError && error.code === 'NotFoundError') {
        await this.attachments.remove(filename);
        throw new AppError('AuthenticationError', 'The account is gone');
      }
      // Whether the account has it now is not known, and will be looked at.
      throw error;
    }
  }

  /** Takes the avatar away. Idempotent. @throws AppError NotFoundError (no such user) */
  async delete({ userId }: Identity): Promise<void> {
    const { avatar: before } = await this.users.get(userId);
    await this.checkLater(userId, before);
    await this.users.update(userId, { avatar: null });
    await this.drop(userId, before);
  }

  private async drop(userId: string, filename: string | undefined): Promise<void> {
    if (filename !== undefined) {
      await this.attachments.release(filename, avatarHolder(userId));
    }
  }

  private async checkLater(userId: string, ...filenames: (string | undefined)[]): Promise<void> {
    const at = this.clock.now() + CHECK_MS;
    const known = filenames.filter((filename) => filename !== undefined);
    await Promise.all(known.map((filename) => this.queue.schedule(CHECK, `${userId} ${filename}`, at)));
  }

  private async check(due: DueItem[]): Promise<void> {
    for (const { key } of due) {
      const [userId = '', filename] = key.split(' ');
      const user = await this.users.find(userId);
      if (user?.avatar !== filename) {
        await this.drop(userId, filename);
      }
    }
  }
}
