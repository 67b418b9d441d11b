import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { AttachmentReference } from '../attachments/attachment-store';
import { AttachmentsService } from '../attachments/attachments.service';
import type { ImageViewers } from '../attachments/image-viewers';
import { ImagesService } from '../attachments/images.service';
import { LinkSigner } from '../attachments/link-signer';
import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';
import { Clock } from '../common/clock';
import type { Identity } from '../common/identity';
import { Ids } from '../common/ids';
import { type DueItem, ExpiryQueue } from '../expiry/expiry-queue';
import { ExpiryService } from '../expiry/expiry.service';
import type { Message, MessageImage } from './engine/message';
import { MessageStore } from './engine/message.store';
import { type ErasedImage, RoomFeed } from './engine/room-feed';
import { RoomsService } from './rooms.service';

/** Looks whether a message shows its image; the key is room, holder and filename. */
const CHECK = 'message-image';
/** A send is through by then, or never will be. */
const SENDING_MS = 60_000;
/** How often it is looked from then on: only a killed node leaves what no message shows. */
const CHECK_MS = 600_000;
/** By so much a reference outlives its message, which ends it. */
const SLACK_MS = 1000;

/**
 * Images that messages show: what keeps their files, and who may load them. Files and messages stand in stores of their
 * own, so each is two steps: the file is referred to, under a name that the message gets, before the message is stored,
 * and released when it is erased. Whether an image is shown is for the message to say; the reference only keeps the
 * file. What a killed node left between two steps is found by looks that are put on the expiry queue before the first.
 */
@Injectable()
export class MessageImagesService implements OnModuleInit, ImageViewers {
  private readonly logger = new Logger(MessageImagesService.name);

  constructor(
    private readonly attachments: AttachmentsService,
    private readonly images: ImagesService,
    private readonly links: LinkSigner,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly rooms: RoomsService,
    private readonly queue: ExpiryQueue,
    private readonly expiry: ExpiryService,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  onModuleInit(): void {
    this.images.addViewers(this);
    this.feed.onErased((images) => this.releaseAll(images));
    this.expiry.own(CHECK, (due) => this.check(due));
  }

  /**
   * Keeps an uploaded image of the sender's own for a message that is about to be sent to the room and ends at `until`
   * (epoch ms; null: never). `imageUrl`: as the upload, or an earlier message, told it.
   * @throws AppError NotFoundError, CapacityError
   */
  async attach(senderId: string, roomId: string, imageUrl: string, until: number | null): Promise<MessageImage> {
    const filename = this.links.filenameIn(imageUrl);
    if (filename === undefined) {
      throw new AppError('NotFoundError', 'There is no such image of yours');
    }
    const image = { filename, holder: this.ids.id() };
    await this.queue.schedule(CHECK, `${roomId} ${image.holder} ${filename}`, this.clock.now() + SENDING_MS);
    await this.keep(senderId, roomId, image, until);
    return image;
  }

  /** Moves the end of what keeps the image. @throws AppError NotFoundError */
  async keep(
    senderId: string,
    roomId: string,
    { filename, holder }: MessageImage,
    until: number | null,
  ): Promise<void> {
    const expiresAt = until === null ? null : until + SLACK_MS;
    await this.attachments.refer(senderId, filename, { holder, roomId, expiresAt });
  }

  /** The message was not sent, unless it was: then it keeps its image, else that is as it was before `attach`. */
  async withdraw(roomId: string, { filename, holder }: MessageImage): Promise<void> {
    if (!(await this.messages.findShowing(roomId, '', holder))) {
      await this.attachments.withdraw(filename, holder);
    }
  }

  /** Whether a live message shows the image. */
  async isShown(filename: string, { roomId, holder }: AttachmentReference): Promise<boolean> {
    const message = roomId === null ? undefined : await this.messages.findShowing(roomId, '', holder);
    return message?.image?.filename === filename;
  }

  /** Whether one of the messages is there for this user, and not concealed from them. */
  async mayView(identity: Identity, filename: string, references: readonly AttachmentReference[]): Promise<boolean> {
    for (const { roomId, holder } of references) {
      if (roomId !== null && (await this.isShownTo(identity, filename, roomId, holder))) {
        return true;
      }
    }
    return false;
  }

  private async isShownTo(identity: Identity, filename: string, roomId: string, holder: string): Promise<boolean> {
    if (!(await this.rooms.mayRead(identity, roomId))) {
      return false;
    }
    const { userId } = identity;
    const message: Message | undefined = await this.messages.findShowing(roomId, userId, holder);
    if (message?.image?.filename !== filename) {
      return false;
    }
    const concealed = message.burn && message.senderId !== userId;
    return !concealed || (await this.messages.isRevealed(roomId, userId, message.id));
  }

  /** Started at once, so that it is done where the store answers at once. */
  private async releaseAll(images: readonly ErasedImage[]): Promise<void> {
    const released = await Promise.allSettled(images.map(async (image) => this.release(image)));
    for (const outcome of released) {
      if (outcome.status === 'rejected') {
        this.logger.warn({ err: outcome.reason }, 'The image of a message that is gone is not released yet');
      }
    }
  }

  private release({ filename, holder }: ErasedImage): Awaitable<void> {
    return this.attachments.release(filename, holder);
  }

  private async check(due: DueItem[]): Promise<void> {
    for (const { key } of due) {
      const [roomId = '', holder = '', filename = ''] = key.split(' ');
      if (await this.isShown(filename, { roomId, holder, expiresAt: null })) {
        await this.queue.schedule(CHECK, key, this.clock.now() + CHECK_MS);
      } else {
        await this.release({ filename, holder });
      }
    }
  }
}
