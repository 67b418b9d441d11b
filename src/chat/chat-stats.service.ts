import { Injectable } from '@nestjs/common';
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
  ) {}

  async totals(): Promise<ChatStatsDto> {
    const [totals, onlineUserCount] = await Promise.all([this.rooms.totals(), this.presence.onlineCount()]);
    return {
      activeChatCount: totals.rooms,
      onlineUserCount,
      messageCount: totals.messages,
      imageCount: 0,
      uptime: Math.floor(process.uptime()),
    };
  }

  /** At most 200. */
  async onlineUserIds(): Promise<string[]> {
    return this.presence.onlineUserIds(MAX_ONLINE_IDS);
  }
}
