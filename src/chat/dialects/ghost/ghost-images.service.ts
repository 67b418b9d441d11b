import { Injectable } from '@nestjs/common';
import type { Attachment } from '../../../attachments/attachment-store';
import { AttachmentsService } from '../../../attachments/attachments.service';
import type { OpenedBlob } from '../../../attachments/blob-store';
import type { ImageProfile } from '../../../attachments/image-job';
import { ImagesService, type ReceivedImage } from '../../../attachments/images.service';
import { AppError } from '../../../common/app-error';
import { Clock } from '../../../common/clock';
import { Ids } from '../../../common/ids';
import { AppConfig } from '../../../config/app-config';
import { MessageStore } from '../../engine/message.store';
import { RoomFeed } from '../../engine/room-feed';
import { GHOST_TTL_S } from '../../engine/room-policy';
import { EXTENSIONS, fateOf, type ImageFate, imageIdOf, imageName, isImageId } from './ghost-image-names';
import { GhostTokens } from './ghost-tokens';

/** Own format, animated, nothing but pixels (ghost.md). */
const PROFILE: ImageProfile = {
  width: 4096,
  height: 4096,
  fit: 'inside',
  format: 'own',
  quality: 85,
  animated: true,
};
/** Longest that a browser may show a picture without asking again, seconds. */
const MAX_AGE_S = 60;
/** Holds a picture from its first download on; no message has such an id. */
const DOWNLOADED = 'downloaded';
const NOBODY = '';

/** A picture that is being loaded. */
export interface OpenedGhostImage extends OpenedBlob {
  readonly mimeType: string;
  /** Seconds for which it may be kept; 0: not at all. */
  readonly maxAge: number;
}

export interface GhostUpload {
  /** Becomes part of its name; undefined: something random. */
  readonly messageId: string | undefined;
  /** Seconds that it lives without a message; 0: it burns from its first download on. */
  readonly ttl: number;
}

/** Pictures of anonymous rooms: their names are their keys. */
@Injectable()
export class GhostImagesService {
  constructor(
    private readonly images: ImagesService,
    private readonly attachments: AttachmentsService,
    private readonly messages: MessageStore,
    private readonly feed: RoomFeed,
    private readonly tokens: GhostTokens,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AppConfig,
  ) {}

  /** Takes a picture in, on the account of an address. @throws AppError as `ImagesService.takeIn`; ValidationError (ttl) */
  upload(ip: string, received: ReceivedImage, { messageId, ttl }: GhostUpload): Promise<Attachment> {
    const most = this.config.env.GHOST_TTL_MAX_S;
    if (ttl > most) {
      throw AppError.field('ttl', `ttl must be 0 to ${most} seconds`);
    }
    const fate: ImageFate = ttl === 0 ? 'b' : 'k';
    const random = this.ids.id();
    const id = messageId ?? this.ids.id();
    const name = (extension: string): string => imageName(id, this.clock.now(), fate, random, extension);
    return this.images.takeIn(`ghost-${this.tokens.digest(ip)}`, received, {
      profile: PROFILE,
      unusedMs: (ttl || GHOST_TTL_S) * 1000,
      name,
    });
  }

  /** @throws AppError NotFoundError */
  async open(filename: string): Promise<OpenedGhostImage> {
    const fate = fateOf(filename);
    const image = fate && (await this.attachments.find(filename));
    const blob = image && (await this.attachments.open(filename));
    if (!image || !blob) {
      throw notFound();
    }
    try {
      return { ...blob, mimeType: image.mimeType, maxAge: await this.maxAge(image, fate) };
    } catch (error) {
      blob.stream.destroy();
      throw error;
    }
  }

  /**
   * Takes a picture and the message that shows it away, at once. `name` is its id or its filename; gives the id.
   * @throws AppError NotFoundError
   */
  async delete(name: string): Promise<string> {
    const image = await this.find(name);
    if (!image) {
      throw notFound();
    }
    for (const { roomId, holder } of image.references) {
      if (roomId !== null) {
        await this.feed.end(roomId, holder);
      }
    }
    await this.attachments.remove(image.filename);
    return imageIdOf(image.filename);
  }

  private async find(name: string): Promise<Attachment | undefined> {
    const candidates = isImageId(name) ? EXTENSIONS.map((extension) => `${name}.${extension}`) : [name];
    for (const filename of candidates.filter((one) => fateOf(one))) {
      const image = await this.attachments.find(filename);
      if (image) {
        return image;
      }
    }
    return undefined;
  }

  /** Starts the end of a picture that burns by being loaded, too. */
  private async maxAge(image: Attachment, fate: ImageFate): Promise<number> {
    const [shown] = image.references;
    if (!shown) {
      if (fate === 'b') {
        const expiresAt = this.clock.now() + this.config.env.BURN_DELAY_MS;
        await this.attachments.refer(image.ownerId, image.filename, { holder: DOWNLOADED, roomId: null, expiresAt });
        return 0;
      }
      return this.secondsUntil(image.unusedUntil);
    }
    if (fate === 'b' || shown.roomId === null) {
      return 0;
    }
    const message = await this.messages.find(shown.roomId, NOBODY, shown.holder);
    return !message || message.burn || message.expiresAt === null ? 0 : this.secondsUntil(message.expiresAt);
  }

  private secondsUntil(at: number): number {
    return Math.max(0, Math.min(MAX_AGE_S, Math.floor((at - this.clock.now()) / 1000)));
  }
}

function notFound(): AppError {
  return new AppError('NotFoundError', 'Image not found or expired');
}
