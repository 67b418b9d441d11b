import { Injectable } from '@nestjs/common';
import { AppError } from '../../../common/app-error';
import { Clock, isoTime } from '../../../common/clock';
import { Ids } from '../../../common/ids';
import { AppConfig } from '../../../config/app-config';
import type { Message } from '../../engine/message';
import { MessageStore } from '../../engine/message.store';
import { RoomFeed } from '../../engine/room-feed';
import { RoomPolicies } from '../../engine/room-policy';
import { RoomStore } from '../../engine/room.store';
import { RoomLifeService } from '../../room-life.service';
import { GhostLimits } from './ghost-limits';
import { GhostTokens } from './ghost-tokens';
import type { GhostHistoryDto, GhostStatsDto } from './dto/ghost-answers.dto';
import { ghostView } from './ghost-view';

/** Messages that a history tells (ghost.md), and so many bytes that they always fit. */
const HISTORY = 500;
const HISTORY_BYTES = 64 * 1024 * 1024;
/** In whose list all anonymous rooms are, so that they have a cap; no user has such an id. */
const KEEPER = 'ghosts';
/** For how long nobody looks again whether there is room for one more. */
const FULL_MS = 1000;
const NOBODY = '';

/** Anonymous rooms: opening them, and what they tell whoever knows their token. */
@Injectable()
export class GhostRoomsService {
  private fullUntil = -Infinity;

  constructor(
    private readonly rooms: RoomStore,
    private readonly feed: RoomFeed,
    private readonly messages: MessageStore,
    private readonly policies: RoomPolicies,
    private readonly life: RoomLifeService,
    private readonly tokens: GhostTokens,
    private readonly limits: GhostLimits,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly config: AppConfig,
  ) {}

  /** Opens the room unless it stands. @throws AppError CapacityError where there are too many */
  async open(roomId: string): Promise<void> {
    if (this.clock.now() < this.fullUntil) {
      throw full();
    }
    // Somebody has to come: nobody may.
    await this.life.watch(roomId);
    try {
      await this.feed.open(
        {
          id: roomId,
          type: 'ghost',
          epoch: this.ids.id(),
          members: [{ userId: KEEPER, username: KEEPER }],
          settings: this.policies.of('ghost').defaults,
          createdAt: this.clock.now(),
          openedBy: KEEPER,
        },
        this.config.env.MAX_GHOST_ROOMS,
      );
    } catch (error) {
      if (error instanceof AppError && error.code === 'CapacityError') {
        this.fullUntil = this.clock.now() + FULL_MS;
        throw full();
      }
      throw error;
    }
  }

  /** @throws AppError ValidationError, NotFoundError, RateLimitError */
  async stats(token: string, ip: string): Promise<GhostStatsDto> {
    const roomId = this.roomId(token);
    const found = await this.limits.find(ip, roomId, async () => {
      const [room, life] = await Promise.all([this.rooms.find(roomId), this.rooms.life(roomId)]);
      return room && life && { room, life };
    });
    if (!found) {
      throw new AppError('NotFoundError', 'Room not found');
    }
    const { room, life } = found;
    return {
      roomToken: token,
      participantCount: life.activeUsers.length,
      messageCount: life.messageCount,
      createdAt: isoTime(room.createdAt),
    };
  }

  /** The newest live messages but burn messages, ascending; none where there is no such room. @throws as `stats` */
  async history(token: string, ip: string): Promise<GhostHistoryDto> {
    const roomId = this.roomId(token);
    const stands = await this.limits.find(ip, roomId, () => this.rooms.find(roomId));
    const messages = stands ? await this.newest(roomId) : [];
    return {
      messages: messages.map((message) => ghostView(message, token)),
      count: messages.length,
      timestamp: isoTime(this.clock.now()),
    };
  }

  private async newest(roomId: string): Promise<Message[]> {
    let found: Message[] = [];
    for (let before: number | undefined, more = true; more && found.length < HISTORY;) {
      const limits = { count: HISTORY, bytes: HISTORY_BYTES };
      const page = await this.messages.page(roomId, NOBODY, before, limits);
      found = [...page.messages.filter(({ burn, type }) => !burn && type !== 'system'), ...found];
      before = page.messages[0]?.seq;
      more = page.more && before !== undefined;
    }
    return found.slice(-HISTORY);
  }

  private roomId(token: string): string {
    if (!this.tokens.isToken(token)) {
      throw AppError.field('token', 'Invalid room token');
    }
    return this.tokens.roomId(token);
  }
}

function full(): AppError {
  return new AppError('CapacityError', 'There are too many rooms, please try later');
}
