import type { MessageDto } from '../../dto/message.dto';
import type { RoomSummary } from '../../engine/room.store';
import type { JoinedRoomDto, NewMessageDto } from './rooms.dto';

/** A message in the words of `/rooms`: its projection of `/` renamed, so that both conceal and sign the same. */
export function newMessageView(view: MessageDto, avatar: string | null): NewMessageDto {
  const { id, roomId, senderId, senderUsername, content, type, createdAt, expiresAt } = view;
  const sender = { _id: senderId, username: senderUsername, avatar };
  const told: NewMessageDto = { _id: id, roomId, sender, content, type, timestamp: createdAt, expiresAt };
  if (view.concealed) {
    told.concealed = true;
  }
  return told;
}

/** What a join of all rooms tells of one. */
export function joinedRoomView({ room, unreadCount }: RoomSummary): JoinedRoomDto {
  return { roomId: room.id, lastSeq: room.lastSeq, epoch: room.epoch, unreadCount };
}
