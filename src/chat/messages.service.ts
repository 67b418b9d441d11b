import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain } from '../common/awaitable';
import type { Identity } from '../common/identity';
import { Clock } from '../common/clock';
import { AppConfig } from '../config/app-config';
import type { Message, MessageDraft, MessageImage, MessageStatus } from './engine/message';
import { isGroupRoomId } from './engine/room';
import { type MemberReceipt, MessageStore, type PageLimits } from './engine/message.store';
import { type Appended, type ReceiptRange, RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { MessageImagesService } from './message-images.service';
import { RoomActivityService } from './room-activity.service';
import { RoomLifeService } from './room-life.service';
import { RoomsService } from './rooms.service';
import { TypingService } from './typing.service';

/** Bytes of content of one page of history, as of one join. */
const PAGE_BYTES = 1024 * 1024;
/** A room that is wiped between opening and sending is opened again, but not for ever. */
const MAX_TRIES = 3;

/** What a client wants to send: its DTO, checked. */
export interface Outgoing {
  readonly roomId: string;
  /** For a room that is not direct: as it came. */
  readonly content: string;
  /** Of an image that the sender uploaded. */
  readonly imageUrl: string | undefined;
  /** Whole seconds; undefined: the room's. */
  readonly ttl: number | undefined;
  readonly expireFrom: 'sent' | 'seen';
  readonly burn: boolean;
  readonly clientId: string | undefined;
  /** Id of the message that it answers. */
  readonly replyTo: string | undefined;
}

/** Sending, reading and receipts. */
@Injectable()
export class MessagesService {
  constructor(
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly rooms: RoomsService,
    private readonly policies: RoomPolicies,
    private readonly typing: TypingService,
    private readonly life: RoomLifeService,
    private readonly images: MessageImagesService,
    private readonly activity: RoomActivityService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
  ) {}

  /**
   * Sends a message; opens its direct room if need be. Answers at once where the feed does.
   * @throws AppError ValidationError, AuthorizationError (guest), NotFoundError, CapacityError
   */
  send(user: Identity, outgoing: Outgoing): Awaitable<Appended> {
    this.rooms.assertSendable(user, outgoing.roomId);
    if (!isGroupRoomId(outgoing.roomId)) {
      return this.sendText(user, outgoing, outgoing.content);
    }
    const text = this.rooms.textFor(user, outgoing.roomId, outgoing.content);
    return chain(text, (content) => {
      assertContent(content, outgoing.imageUrl);
      return this.sendText(user, outgoing, content);
    });
  }

  private sendText(user: Identity, outgoing: Outgoing, content: string): Awaitable<Appended> {
    if (outgoing.ttl !== undefined) {
      this.rooms.checkTtl(outgoing.ttl, 'ttl');
    }
    const draft: MessageDraft = {
      roomId: outgoing.roomId,
      senderId: user.userId,
      senderUsername: user.username,
      type: 'text',
      content,
      // A burn message has a lifetime of its own, whatever holds in the room.
      ttl: outgoing.ttl ?? (outgoing.burn ? this.defaultTtl(outgoing.roomId) : undefined),
      expireFrom: outgoing.expireFrom,
      burn: outgoing.burn,
      clientId: outgoing.clientId,
      system: undefined,
      image: undefined,
      replyTo: outgoing.replyTo,
    };
    this.typing.clear(user, outgoing.roomId);
    if (outgoing.imageUrl !== undefined) {
      return this.sendImage(user, draft, outgoing.imageUrl);
    }
    return chain(this.append(draft), (appended) => (appended ? this.noted(appended) : this.openAndAppend(user, draft)));
  }

  /** The newest live messages before a seq, ascending. @throws AppError NotFoundError */
  async page(
    user: Identity,
    roomId: string,
    before: number | undefined,
    count: number,
  ): Promise<{ messages: Message[]; more: boolean }> {
    await this.rooms.get(user, roomId);
    const limits: PageLimits = { count, bytes: PAGE_BYTES };
    return this.messages.page(roomId, user.userId, before, limits);
  }

  /**
   * Raises the status of one message, or of all up to a seq, that others sent to the user; what cannot rise, or is gone,
   * is a success without effect. @throws AppError NotFoundError (not a member)
   */
  raise(
    user: Identity,
    roomId: string,
    status: MessageStatus,
    range: ReceiptRange,
    socketId?: string,
  ): Awaitable<void> {
    return chain(this.rooms.authorize(user, roomId), () =>
      status === 'sent' ? undefined : this.raiseIn(user, roomId, status, range, socketId),
    );
  }

  /** What the recipients have of an own message. @throws AppError NotFoundError, AuthorizationError (another's) */
  async receipts(user: Identity, roomId: string, messageId: string): Promise<readonly MemberReceipt[]> {
    await this.rooms.authorize(user, roomId);
    const receipts = await this.messages.receipts(roomId, user.userId, messageId);
    if (receipts === 'foreign') {
      throw new AppError('AuthorizationError', 'Only of a message of your own');
    }
    if (!receipts) {
      throw new AppError('NotFoundError', 'There is no such message');
    }
    return receipts;
  }

  private raiseIn(
    user: Identity,
    roomId: string,
    status: Exclude<MessageStatus, 'sent'>,
    range: ReceiptRange,
    socketId?: string,
  ): Awaitable<void> {
    const raised = this.feed.raise({ roomId, userId: user.userId, status, range, socketId });
    return chain(raised, (result) => (result?.waiting === 0 ? this.life.review(roomId) : undefined));
  }

  /**
   * Hands a burn message to one of its recipients, and starts the countdown after which it is gone for them.
   * @throws AppError NotFoundError, ValidationError (no burn message), AuthorizationError (the sender), ConflictError
   * (revealed before, without the same `revealId`)
   */
  async reveal(
    user: Identity,
    roomId: string,
    messageId: string,
    revealId: string | undefined,
    socketId?: string,
  ): Promise<{ message: Message; expiresAt: number }> {
    await this.rooms.authorize(user, roomId);
    const { userId } = user;
    const delayMs = this.config.env.BURN_DELAY_MS;
    const revealed = await this.feed.reveal({ roomId, userId, messageId, revealId, socketId, delayMs });
    switch (revealed?.outcome) {
      case undefined:
        throw new AppError('NotFoundError', 'There is no such message');
      case 'ordinary':
        throw AppError.field('messageId', 'This message does not burn after reading');
      case 'own':
        throw new AppError('AuthorizationError', 'You cannot reveal a message of your own');
      case 'again':
        throw new AppError('ConflictError', 'You have revealed this message already');
      case 'revealed':
        // It waits for nobody any more, which may have been all that kept the room.
        await this.life.review(roomId);
        return revealed;
    }
  }

  private async sendImage(user: Identity, draft: MessageDraft, imageUrl: string): Promise<Appended> {
    const until = this.latestEnd(draft, await this.rooms.ttlOf(draft.roomId));
    const attached = this.images.attach(user.userId, draft.roomId, imageUrl, until);
    const image = await attached.catch(async (error: unknown) => {
      // Of a repeat the image may be gone with the first message.
      const first = isNotFound(error) ? await this.findFirst(draft) : undefined;
      return first ?? Promise.reject(error);
    });
    if ('duplicate' in image) {
      return image;
    }
    const appended = await this.appendWith(image, user, draft);
    const { message, duplicate } = appended;
    if (duplicate) {
      await this.images.withdraw(draft.roomId, image);
    } else if (until !== null && (message.expiresAt ?? Infinity) > until) {
      await this.images.keep(user.userId, draft.roomId, image, message.expiresAt);
    }
    return this.noted(appended);
  }

  /** Those who do not listen to the room are told soon. */
  private noted(appended: Appended): Appended {
    if (!appended.duplicate) {
      this.activity.note(appended.message.roomId);
    }
    return appended;
  }

  private async appendWith(image: MessageImage, user: Identity, draft: MessageDraft): Promise<Appended> {
    try {
      const complete: MessageDraft = { ...draft, type: 'image', image };
      return (await this.append(complete)) ?? (await this.openAndAppend(user, complete));
    } catch (error) {
      // What a failure leaves is found a minute later.
      await this.images.withdraw(draft.roomId, image).catch(() => undefined);
      throw error;
    }
  }

  /** What a repeat is told, without storing anything where it is none. */
  private async findFirst(draft: MessageDraft): Promise<Appended | undefined> {
    if (draft.clientId === undefined) {
      return undefined;
    }
    const nothingNew = { ...this.policies.byId(draft.roomId).limits, messagesPerRoom: 0 };
    try {
      return await this.feed.append(draft, nothingNew);
    } catch (error) {
      if (error instanceof AppError && error.code === 'CapacityError') {
        return undefined;
      }
      throw error;
    }
  }

  /** When a message that is sent now ends at the latest, epoch ms; null: not by itself. */
  private latestEnd({ ttl, expireFrom }: MessageDraft, roomTtl: number | null): number | null {
    const seconds = expireFrom === 'seen' ? Infinity : (ttl ?? roomTtl);
    const longest = this.config.env.MESSAGE_MAX_LIFETIME_S;
    return seconds === null ? null : this.clock.now() + Math.min(seconds, longest) * 1000;
  }

  private defaultTtl(roomId: string): number | undefined {
    return this.policies.byId(roomId).defaults.messageTtl ?? undefined;
  }

  private append(draft: MessageDraft): Awaitable<Appended | undefined> {
    return this.feed.append(draft, this.policies.byId(draft.roomId).limits);
  }

  private async openAndAppend(user: Identity, draft: MessageDraft): Promise<Appended> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await this.rooms.ensure(user, draft.roomId);
      const appended = await this.append(draft);
      if (appended) {
        return appended;
      }
    }
    throw new AppError('ConflictError', 'The room is being closed, try again');
  }
}

/** @throws AppError ValidationError for a message with nothing in it */
export function assertContent(content: string, imageUrl: string | undefined): void {
  if (content === '' && imageUrl === undefined) {
    throw AppError.field('content', 'A message needs a text or an image');
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof AppError && error.code === 'NotFoundError';
}
