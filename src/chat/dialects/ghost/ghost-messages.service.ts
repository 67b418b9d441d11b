import { Injectable } from '@nestjs/common';
import { AppError } from '../../../common/app-error';
import { type Awaitable, chain } from '../../../common/awaitable';
import { AppConfig } from '../../../config/app-config';
import type { Message, MessageDraft } from '../../engine/message';
import { RoomFeed } from '../../engine/room-feed';
import { GHOST_TTL_S, RoomPolicies } from '../../engine/room-policy';
import { TypingService } from '../../typing.service';

/** Who writes into which room: bound to their socket when it came in. */
export interface GhostAuthor {
  readonly roomId: string;
  readonly userId: string;
  readonly agentId: string;
}

/** Sending in anonymous rooms. */
@Injectable()
export class GhostMessagesService {
  constructor(
    private readonly feed: RoomFeed,
    private readonly policies: RoomPolicies,
    private readonly typing: TypingService,
    private readonly config: AppConfig,
  ) {}

  /** Sends a text for so many seconds, 0: it burns. @throws AppError ValidationError, CapacityError, ConflictError */
  send(author: GhostAuthor, text: string, ttl = GHOST_TTL_S): Awaitable<Message> {
    this.checkTtl(ttl);
    this.typing.clear(author, author.roomId);
    return this.append(draftOf(author, text, ttl));
  }

  /** @throws AppError ValidationError for a lifetime that is too long */
  checkTtl(ttl: number): void {
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
