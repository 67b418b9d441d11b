import type { MessageDto } from '../../dto/message.dto';
import type { RoomSummary } from '../../engine/room.store';
import type { JoinedRoomDto, NewMessageDto } from './rooms.dto';

/** A message in the words of `/rooms`: its projection of `/` renamed, so that both conceal and sign the same. */
export function newMessageView(view: MessageDto, avatar: string | null): NewMessageDto {
  return {
    _id: view.id,
    roomId: view.roomId,
    sender: { _id: view.senderId, username: view.senderUsername, avatar },
    content: view.content,
    type: view.type,
    timestamp: view.createdAt,
    expiresAt: view.expiresAt,
  };
}

/** What a join of all rooms tells of one. */
export function joinedRoomView({ room, unreadCount }: RoomSummary): JoinedRoomDto {
  return { roomId: room.id, lastSeq: room.lastSeq, epoch: room.epoch, unreadCount };
}
