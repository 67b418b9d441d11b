import { Injectable } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, chain } from '../common/awaitable';
import type { Identity } from '../common/identity';
import { type Message, MAX_REACTION_KINDS } from './engine/message';
import type { ReactionChanged } from './engine/room-event';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { assertContent } from './messages.service';
import { RoomLifeService } from './room-life.service';
import { RoomsService } from './rooms.service';

/** One message of a room. */
export interface MessageRef {
  readonly roomId: string;
  readonly messageId: string;
}

/** Changes of messages that stand: edits, deletions, reactions. */
@Injectable()
export class MessageChangesService {
  constructor(
    private readonly feed: RoomFeed,
    private readonly rooms: RoomsService,
    private readonly policies: RoomPolicies,
    private readonly life: RoomLifeService,
  ) {}

  /**
   * Gives an own message another text. @throws AppError NotFoundError (also where it expired or was deleted),
   * AuthorizationError (another's), ValidationError (system and burn messages), CapacityError
   */
  edit(user: Identity, { roomId, messageId }: MessageRef, raw: string): Awaitable<Message> {
    const { totalBytes } = this.policies.byId(roomId).limits;
    const text = chain(this.rooms.authorize(user, roomId), () => this.rooms.textFor(user, roomId, raw));
    const edited = chain(text, (content) => {
      assertContent(content, undefined);
      return this.feed.edit({ roomId, userId: user.userId, messageId, content }, totalBytes);
    });
    return chain(edited, (result) => {
      if (result?.outcome === 'edited') {
        return result.message;
      }
      throw refusal(result?.outcome, 'edited');
    });
  }

  /** Deletes an own message; one that is deleted already is a success. @throws as `edit` */
  delete(user: Identity, { roomId, messageId }: MessageRef): Awaitable<void> {
    const deleted = chain(this.rooms.authorize(user, roomId), () =>
      this.feed.delete({ roomId, userId: user.userId, messageId }),
    );
    return chain(deleted, (result) => {
      if (result?.outcome !== 'deleted') {
        throw refusal(result?.outcome, 'deleted');
      }
      return result.waiting === 0 ? this.life.review(roomId) : undefined;
    });
  }

  /**
   * Adds a reaction or takes it away; what is so already is a success. @throws AppError NotFoundError, ValidationError
   * (system messages), CapacityError (too many kinds)
   */
  react(
    user: Identity,
    { roomId, messageId }: MessageRef,
    emoji: string,
    action: ReactionChanged['action'],
  ): Awaitable<void> {
    const reacted = chain(this.rooms.authorize(user, roomId), () =>
      this.feed.react({ roomId, userId: user.userId, messageId, emoji, action }),
    );
    return chain(reacted, (result) => {
      if (result?.outcome === 'full') {
        throw new AppError('CapacityError', `A message has at most ${MAX_REACTION_KINDS} kinds of reactions`);
      }
      if (result?.outcome !== 'done') {
        throw refusal(result?.outcome, 'reacted to');
      }
    });
  }
}

function refusal(outcome: 'foreign' | 'fixed' | undefined, what: string): AppError {
  switch (outcome) {
    case undefined:
      return new AppError('NotFoundError', 'There is no such message');
    case 'foreign':
      return new AppError('AuthorizationError', `Only a message of your own can be ${what}`);
    case 'fixed':
      return AppError.field('messageId', `This message cannot be ${what}`);
  }
}
