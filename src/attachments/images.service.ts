import { Injectable } from '@nestjs/common';
import { TokenService } from '../auth/token.service';
import { AppError } from '../common/app-error';
import type { Identity } from '../common/identity';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import { UsersService } from '../users/users.service';
import type { Attachment } from './attachment-store';
import { AttachmentsService } from './attachments.service';
import type { OpenedBlob } from './blob-store';
import type { EncodedImage, ImageFormat, ImageProfile } from './image-job';
import { ImageProcessor } from './image-processor';
import type { ImageViewers } from './image-viewers';
import { LinkSigner, UPLOAD } from './link-signer';
import { Scratch } from './scratch';

const EXTENSIONS: Record<ImageFormat, string> = { jpeg: 'jpg', png: 'png', webp: 'webp', gif: 'gif' };

/** An image as it came: a file of this node, which stays the caller's to discard. */
export interface ReceivedImage {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

export interface ImagePurpose {
  readonly profile: ImageProfile;
  /** How long it lives without a reference, ms. */
  readonly unusedMs: number;
  /** The filename for an extension; must have 96 random bits. Default: those, and the extension. */
  readonly name?: (extension: string) => string;
}

export interface UploadedImage {
  readonly image: Attachment;
  /** Absolute and signed, for its uploader. */
  readonly url: string;
}

/** What a request for an image brings; nothing of it is trusted. */
export interface ImageAccess {
  readonly exp: unknown;
  readonly sig: unknown;
  /** Of the `Authorization` header, or of the address. */
  readonly token: string | undefined;
}

export interface OpenedImage extends OpenedBlob {
  readonly mimeType: string;
}

/** Images of the chat: taking them in, and who may load them. */
@Injectable()
export class ImagesService {
  private readonly chat: ImagePurpose;
  private readonly viewers: ImageViewers[] = [];

  constructor(
    private readonly attachments: AttachmentsService,
    private readonly processor: ImageProcessor,
    private readonly scratch: Scratch,
    private readonly links: LinkSigner,
    private readonly tokens: TokenService,
    private readonly users: UsersService,
    private readonly ids: Ids,
    config: AppConfig,
  ) {
    const { IMAGE_MAX_WIDTH: width, IMAGE_MAX_HEIGHT: height, IMAGE_QUALITY: quality, IMAGE_TTL_MS } = config.env;
    const profile: ImageProfile = { width, height, fit: 'inside', format: 'webp', quality, animated: true };
    this.chat = { profile, unusedMs: IMAGE_TTL_MS };
  }

  /** Registers what shows images: each is asked whether somebody may load one without a link. */
  addViewers(viewers: ImageViewers): void {
    this.viewers.push(viewers);
  }

  /** Takes an image for a message in. @throws AppError as `takeIn` */
  async upload(identity: Identity, received: ReceivedImage): Promise<UploadedImage> {
    const image = await this.takeIn(identity.userId, received, this.chat);
    if (!(await this.users.find(identity.userId))) {
      // Erased while the picture was on its way: what they own was erased before this was theirs.
      await this.attachments.remove(image.filename);
      throw new AppError('AuthenticationError', 'The account is gone');
    }
    return { image, url: this.links.sign(image.filename, { for: UPLOAD, until: image.unusedUntil }) };
  }

  /**
   * Encodes an image for a purpose and stores it; without a reference it lives as long as the purpose says. The caller
   * makes sure that the owner still exists afterwards.
   * @throws AppError UnsupportedMediaTypeError, ValidationError, PayloadTooLargeError (the image), CapacityError (quota,
   * or busy)
   */
  async takeIn(ownerId: string, { path, size, signal }: ReceivedImage, purpose: ImagePurpose): Promise<Attachment> {
    const room = await this.attachments.reserve(ownerId, size);
    const output = this.scratch.newPath();
    try {
      const encoded = await this.processor.process({ input: path, output, profile: purpose.profile }, signal);
      signal?.throwIfAborted();
      const image = await this.attachments.keep(room, this.describe(encoded, output, purpose));
      if (signal?.aborted) {
        await this.attachments.remove(image.filename);
        signal.throwIfAborted();
      }
      return image;
    } finally {
      await this.attachments.cancel(room);
      await this.scratch.discard(output);
    }
  }

  /**
   * The bytes of an image for who has a valid link, or a token of its uploader or of somebody to whom a live message
   * shows it. The stream must be read or destroyed. @throws AppError NotFoundError for everybody and everything else
   */
  async open(filename: string, access: ImageAccess): Promise<OpenedImage> {
    const holder = this.links.verify(filename, access.exp, access.sig);
    if (holder === undefined && !access.token) {
      throw notFound();
    }
    const image = await this.attachments.find(filename);
    if (!image || !((await this.isGood(image, holder)) || (await this.isShownTo(access.token, image)))) {
      throw notFound();
    }
    const blob = await this.attachments.open(filename);
    if (!blob) {
      throw notFound();
    }
    return { ...blob, mimeType: image.mimeType };
  }

  /** Whether what a link was signed for is still there. */
  private async isGood(image: Attachment, holder: string | undefined): Promise<boolean> {
    if (holder === UPLOAD) {
      return true;
    }
    const reference = image.references.find((one) => one.holder === holder);
    for (const viewers of reference ? this.viewers : []) {
      if (reference && (await viewers.isShown(image.filename, reference))) {
        return true;
      }
    }
    return false;
  }

  private async isShownTo(token: string | undefined, image: Attachment): Promise<boolean> {
    const identity = token ? await this.identify(token) : undefined;
    if (!identity) {
      return false;
    }
    if (identity.userId === image.ownerId) {
      return true;
    }
    for (const viewers of this.viewers) {
      if (await viewers.mayView(identity, image.filename, image.references)) {
        return true;
      }
    }
    return false;
  }

  private async identify(token: string): Promise<Identity | undefined> {
    try {
      return await this.tokens.verify(token);
    } catch (error) {
      if (error instanceof AppError && error.code === 'AuthenticationError') {
        return undefined;
      }
      throw error;
    }
  }

  private describe({ format, width, height, size }: EncodedImage, path: string, { name, unusedMs }: ImagePurpose) {
    const extension = EXTENSIONS[format];
    const filename = name?.(extension) ?? `${this.ids.id()}.${extension}`;
    return { filename, path, size, mimeType: `image/${format}`, width, height, unusedMs };
  }
}

function notFound(): AppError {
  return new AppError('NotFoundError', 'There is no such image');
}
