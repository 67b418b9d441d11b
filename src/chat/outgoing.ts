import { AppError } from '../common/app-error';
import type { MessageBodyDto } from './dto/chat-requests.dto';
import { isGroupRoomId } from './engine/room';
import { assertContent, type Outgoing } from './messages.service';
import { plainText } from './message-text';

const NOT_YET = ['fileId'] as const;

/** What a checked payload asks to send. @throws AppError ValidationError for what cannot be sent (yet) */
export function outgoingOf(roomId: string, dto: MessageBodyDto, maxLength: number): Outgoing {
  const burn = dto.burn === true || dto.ttl === 0;
  if (burn && dto.expireFrom !== undefined) {
    throw AppError.field('expireFrom', 'expireFrom does not go with burn after reading');
  }
  for (const field of NOT_YET) {
    if (dto[field] !== undefined) {
      throw AppError.field(field, `${field} is not supported yet`);
    }
  }
  const { imageUrl, clientId, expireFrom = 'sent' } = dto;
  // What is for a room that may be encrypted stays as it came: see `RoomsService.textFor`.
  const raw = dto.content ?? '';
  const content = isGroupRoomId(roomId) ? raw : plainText(raw, maxLength);
  assertContent(content, imageUrl);
  const ttl = dto.ttl === 0 ? undefined : dto.ttl;
  return { roomId, content, imageUrl, ttl, expireFrom, burn, clientId, replyTo: dto.replyTo };
}
