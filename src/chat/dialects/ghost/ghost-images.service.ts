import { writeFile } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import type { Attachment } from '../../../attachments/attachment-store';
import { AttachmentsService } from '../../../attachments/attachments.service';
import type { OpenedBlob } from '../../../attachments/blob-store';
import type { ImageProfile } from '../../../attachments/image-job';
import { ImagesService, type ReceivedImage } from '../../../attachments/images.service';
import { Scratch } from '../../../attachments/scratch';
import { AppError } from '../../../common/app-error';
import { Clock } from '../../../common/clock';
import { Ids } from '../../../common/ids';
import { AppConfig } from '../../../config/app-config';
import type { Message } from '../../engine/message';
import { MessageStore } from '../../engine/message.store';
import { RoomFeed } from '../../engine/room-feed';
import { GHOST_TTL_S } from '../../engine/room-policy';
import { EXTENSIONS, fateOf, type ImageFate, imageIdOf, imageName, isImageId } from './ghost-image-names';
import { MAX_GHOST_IMAGE } from './dto/ghost-requests.dto';
import { GhostLimits } from './ghost-limits';
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
/** A picture that came with its message lives so long until that is sent. */
const SENDING_MS = 120_000;
/** What is declared is not believed, and need not be one of the four. */
const DATA_URL = /^data:[\w.+/-]{0,100};base64,/;
/** How much of a data URL is looked at for that. */
const MAX_PREFIX = 128;
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
    private readonly scratch: Scratch,
    private readonly limits: GhostLimits,
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
    return this.takeIn(ip, received, messageId, ttl === 0 ? 'b' : 'k', (ttl || GHOST_TTL_S) * 1000);
  }

  /**
   * Takes in the picture of a message that is about to be sent, as a data URL; it goes by itself unless that is.
   * @throws AppError as `upload`; PayloadTooLargeError, RateLimitError
   */
  async decode(ip: string, dataUrl: string, burns: boolean): Promise<Attachment> {
    const [, base64] = DATA_URL.exec(dataUrl.slice(0, MAX_PREFIX)) ? dataUrl.split(',', 2) : [];
    if (base64 === undefined) {
      throw AppError.field('imageData.data', 'data must be a base64 data URL of an image');
    }
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length > MAX_GHOST_IMAGE) {
      throw new AppError('PayloadTooLargeError', 'The image is too large');
    }
    await this.limits.upload(ip);
    const path = this.scratch.newPath();
    try {
      await writeFile(path, bytes);
      return await this.takeIn(ip, { path, size: bytes.length }, undefined, burns ? 'b' : 'k', SENDING_MS);
    } finally {
      await this.scratch.discard(path);
    }
  }

  /** An upload that no message shows yet. @throws AppError NotFoundError */
  async uploaded(filename: string): Promise<Attachment> {
    const image = fateOf(filename) && (await this.attachments.find(filename));
    if (!image || image.references.some(({ roomId }) => roomId !== null)) {
      throw new AppError('NotFoundError', 'There is no such image of yours');
    }
    return image;
  }

  /** @throws AppError NotFoundError */
  async open(filename: string): Promise<OpenedGhostImage> {
    const fate = fateOf(filename);
    const image = fate && (await this.attachments.find(filename));
    const maxAge = image && (await this.maxAge(image, fate));
    const blob = maxAge === undefined ? undefined : await this.attachments.open(filename);
    if (!image || maxAge === undefined || !blob) {
      throw notFound();
    }
    return { ...blob, mimeType: image.mimeType, maxAge };
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
    for (const message of await this.showing(image)) {
      await this.feed.end(message.roomId, message.id);
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

  private takeIn(
    ip: string,
    received: ReceivedImage,
    messageId: string | undefined,
    fate: ImageFate,
    unusedMs: number,
  ): Promise<Attachment> {
    const [id, random] = [messageId ?? this.ids.id(), this.ids.id()];
    const name = (extension: string): string => imageName(id, this.clock.now(), fate, random, extension);
    return this.images.takeIn(`ghost-${this.tokens.digest(ip)}`, received, { profile: PROFILE, unusedMs, name });
  }

  /** Live messages that show the picture. */
  private async showing({ filename, references }: Attachment): Promise<Message[]> {
    const messages: Message[] = [];
    for (const { roomId, holder } of references) {
      const message = roomId === null ? undefined : await this.messages.findShowing(roomId, NOBODY, holder);
      if (message?.image?.filename === filename) {
        messages.push(message);
      }
    }
    return messages;
  }

  /**
   * For how many seconds a picture that is loaded now may be kept; undefined: it is gone with its message. Starts the
   * end of one that burns by being loaded.
   */
  private async maxAge(image: Attachment, fate: ImageFate): Promise<number | undefined> {
    if (image.references.some(({ roomId }) => roomId !== null)) {
      const [message] = await this.showing(image);
      const burns = fate === 'b' || message?.burn;
      return message && (burns || message.expiresAt === null ? 0 : this.secondsUntil(message.expiresAt));
    }
    if (fate === 'k') {
      return this.secondsUntil(image.unusedUntil);
    }
    if (image.references.length === 0) {
      const expiresAt = this.clock.now() + this.config.env.BURN_DELAY_MS;
      await this.attachments.refer(image.ownerId, image.filename, { holder: DOWNLOADED, roomId: null, expiresAt });
    }
    return 0;
  }

  private secondsUntil(at: number): number {
    return Math.max(0, Math.min(MAX_AGE_S, Math.floor((at - this.clock.now()) / 1000)));
  }
}

function notFound(): AppError {
  return new AppError('NotFoundError', 'Image not found or expired');
}
