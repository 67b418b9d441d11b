import type { MessageDto } from '../../dto/message.dto';
import type { NewMessageDto } from './rooms.dto';

/** A message in the words of `/rooms`: its projection of `/` renamed, so that both conceal and sign the same. */
export function newMessageView(view: MessageDto, avatar: string | null): NewMessageDto {
  const { id, roomId, senderId, senderUsername, content, type, createdAt, expiresAt } = view;
  const sender = { _id: senderId, username: senderUsername, avatar };
  const told: NewMessageDto = { _id: id, roomId, sender, content, type, timestamp: createdAt, expiresAt };
  if (view.imageUrl !== undefined) {
    told.fileUrl = view.imageUrl;
  }
  if (view.replyTo !== undefined) {
    told.replyTo = view.replyTo;
  }
  if (view.concealed) {
    told.concealed = true;
  }
  return told;
}
