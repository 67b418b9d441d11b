import { Injectable } from '@nestjs/common';
import { AttachmentsService } from '../attachments/attachments.service';
import { PresenceReader } from '../users/presence-reader';
import type { ChatStatsDto } from './dto/chat-answers.dto';
import { RoomStatistics } from './room-statistics';

const MAX_ONLINE_IDS = 200;

/** Counts for operators' pages; no names, no contents. */
@Injectable()
export class ChatStatsService {
  constructor(
    private readonly rooms: RoomStatistics,
    private readonly presence: PresenceReader,
    private readonly attachments: AttachmentsService,
  ) {}

  async totals(): Promise<ChatStatsDto> {
    const [totals, onlineUserCount, images] = await Promise.all([
      this.rooms.totals(),
      this.presence.onlineCount(),
      this.attachments.totals(),
    ]);
    return {
      activeChatCount: totals.rooms,
      onlineUserCount,
      messageCount: totals.messages,
      imageCount: images.count,
      uptime: Math.floor(process.uptime()),
    };
  }

  /** The same for the log. */
  async counts(): Promise<Record<'activeChats' | 'usersOnline' | 'messages', number>> {
    const { activeChatCount, onlineUserCount, messageCount } = await this.totals();
    return { activeChats: activeChatCount, usersOnline: onlineUserCount, messages: messageCount };
  }

  /** At most 200. */
  async onlineUserIds(): Promise<string[]> {
    return this.presence.onlineUserIds(MAX_ONLINE_IDS);
  }
}
