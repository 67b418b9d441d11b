import { Injectable } from '@nestjs/common';
import { LinkSigner } from '../attachments/link-signer';
import { isoTime } from '../common/clock';
import type { Identity } from '../common/identity';
import { PresenceReader } from '../users/presence-reader';
import { UsersService } from '../users/users.service';
import type { LastMessageDto, RoomSummaryDto } from './dto/chat-answers.dto';
import type { Message } from './engine/message';
import { otherMember } from './engine/room';
import type { RoomSummary } from './engine/room.store';
import { RoomsService } from './rooms.service';
import { openView, roomView } from './view';

/** A user's rooms with who is on the other side. */
@Injectable()
export class RoomListService {
  constructor(
    private readonly rooms: RoomsService,
    private readonly users: UsersService,
    private readonly presence: PresenceReader,
    private readonly links: LinkSigner,
  ) {}

  /** Newest activity first. */
  async list(user: Identity): Promise<RoomSummaryDto[]> {
    const summaries = await this.rooms.list(user);
    const others = summaries.map(({ room }) => otherMember(room.id, user.userId) ?? '');
    const [records, online] = await Promise.all([this.users.findMany(others), this.presence.isOnline(others)]);
    const names = new Map(records.map(({ id, username }) => [id, username]));
    return summaries.map((summary, index) => {
      const otherUserId = others[index] ?? '';
      return this.view(summary, otherUserId, names.get(otherUserId) ?? '', online[index] ?? false);
    });
  }

  private view(summary: RoomSummary, otherUserId: string, otherUsername: string, online: boolean): RoomSummaryDto {
    const { room, activeUsers, messageCount, unreadCount, lastMessage } = summary;
    return {
      ...(room.type === 'direct'
        ? { id: room.id, type: room.type, otherUserId, otherUsername, otherUserOnline: online }
        : { ...roomView(room), otherUsername: room.name ?? '' }),
      activeUsers: [...activeUsers],
      messageCount,
      unreadCount,
      lastMessage: lastMessage ? this.lastMessage(lastMessage, room.settings.encrypted) : null,
      createdAt: isoTime(room.createdAt),
    };
  }

  private lastMessage(message: Message, encrypted: boolean): LastMessageDto {
    const { id, createdAt, senderId, burn } = message;
    const { content = null, imageUrl = null } = burn || encrypted ? {} : openView(message, this.links);
    return { id, content, imageUrl, createdAt: isoTime(createdAt), senderId };
  }
}
