import { Injectable } from '@nestjs/common';
import type { Attachment } from '../../../attachments/attachment-store';
import { AttachmentsService } from '../../../attachments/attachments.service';
import { AppError } from '../../../common/app-error';
import { type Awaitable, chain } from '../../../common/awaitable';
import { Clock } from '../../../common/clock';
import { AppConfig } from '../../../config/app-config';
import type { Message, MessageDraft } from '../../engine/message';
import { RoomFeed } from '../../engine/room-feed';
import { GHOST_TTL_S, RoomPolicies } from '../../engine/room-policy';
import { MessageImagesService } from '../../message-images.service';
import { TypingService } from '../../typing.service';
import { GhostImagesService } from './ghost-images.service';

/** Who writes into which room: bound to their socket when it came in. */
export interface GhostAuthor {
  readonly roomId: string;
  readonly userId: string;
  readonly agentId: string;
  /** Address of their client. */
  readonly ip: string;
  /** Whether they are in the room still. */
  readonly isHere: () => boolean;
}

/** A picture as its sender gives it: as a data URL, or by the name of an upload. */
export interface GhostPicture {
  readonly data: string | undefined;
  readonly filename: string | undefined;
  readonly name: string | undefined;
}

/** By so much a file may outlive a message that nobody ends, ms. */
const STORING_MS = 10_000;

/** Sending in anonymous rooms. */
@Injectable()
export class GhostMessagesService {
  constructor(
    private readonly feed: RoomFeed,
    private readonly policies: RoomPolicies,
    private readonly typing: TypingService,
    private readonly images: GhostImagesService,
    private readonly keeper: MessageImagesService,
    private readonly attachments: AttachmentsService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /** Sends a text for so many seconds, 0: it burns. @throws AppError ValidationError, CapacityError, ConflictError */
  send(author: GhostAuthor, text: string, ttl = GHOST_TTL_S): Awaitable<Message> {
    this.checkTtl(ttl);
    this.typing.clear(author, author.roomId);
    return this.append(draftOf(author, text, ttl));
  }

  /**
   * Sends a picture for so many seconds, 0: it burns, and its file with it.
   * @throws AppError as `send`; NotFoundError (no such upload), UnsupportedMediaTypeError, PayloadTooLargeError,
   * RateLimitError
   */
  async sendImage(author: GhostAuthor, picture: GhostPicture, caption: string, ttl = GHOST_TTL_S): Promise<Message> {
    this.checkTtl(ttl);
    this.typing.clear(author, author.roomId);
    const { data, filename, name = '' } = picture;
    if (data === undefined && filename === undefined) {
      throw AppError.field('imageData.data', 'An image needs data, or the filename of an upload');
    }
    const image =
      data === undefined
        ? await this.images.uploaded(filename ?? '')
        : await this.images.decode(author.ip, data, ttl === 0);
    try {
      return await this.show(author, image, name, draftOf(author, caption, ttl));
    } catch (error) {
      if (data !== undefined) {
        await this.attachments.remove(image.filename);
      }
      throw error;
    }
  }

  /** Keeps the file for the message before that is stored, and lets go of it where it is not. */
  private async show(author: GhostAuthor, image: Attachment, name: string, draft: MessageDraft): Promise<Message> {
    if (!author.isHere()) {
      // Taking a picture in takes its time.
      throw new AppError('ConflictError', 'You are in the room no more');
    }
    const { filename, ownerId, size, mimeType, width, height } = image;
    // Whatever the store takes: the end of the message lets go of the file before.
    const until = this.clock.now() + (draft.ttl ?? GHOST_TTL_S) * 1000 + STORING_MS;
    const kept = await this.keeper.attach(ownerId, draft.roomId, filename, until);
    try {
      const shown = { ...kept, name, size, mimeType, width, height };
      return await this.append({ ...draft, type: 'image', image: shown });
    } catch (error) {
      // What a failure leaves is found a minute later.
      await this.keeper.withdraw(draft.roomId, kept).catch(() => undefined);
      throw error;
    }
  }

  /** @throws AppError ValidationError for a lifetime that is too long */
  private checkTtl(ttl: number): void {
    const most = this.config.env.GHOST_TTL_MAX_S;
    if (ttl > most) {
      throw AppError.field('ttl', `ttl must be 0 to ${most} seconds`);
    }
  }

  private append(draft: MessageDraft): Awaitable<Message> {
    return chain(this.feed.append(draft, this.policies.of('ghost').limits), (appended) => {
      if (!appended) {
        throw new AppError('ConflictError', 'The room is gone: join it again');
      }
      return appended.message;
    });
  }
}

function draftOf({ roomId, userId, agentId }: GhostAuthor, content: string, ttl: number): MessageDraft {
  return {
    roomId,
    senderId: userId,
    senderUsername: agentId,
    type: 'text',
    content,
    // A burn message waits for somebody as long as any other lives.
    ttl: ttl === 0 ? GHOST_TTL_S : ttl,
    expireFrom: 'sent',
    burn: ttl === 0,
    clientId: undefined,
    system: undefined,
    image: undefined,
  };
}
