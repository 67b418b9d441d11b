import { AppError } from '../common/app-error';
import { codePoints } from '../common/text';
import type { MessageBodyDto } from './dto/chat-requests.dto';
import type { Outgoing } from './messages.service';

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
  const { content = '', imageUrl, clientId, expireFrom = 'sent' } = dto;
  if (content === '' && imageUrl === undefined) {
    throw AppError.field('content', 'A message needs a text or an image');
  }
  checkLength(content, maxLength);
  const ttl = dto.ttl === 0 ? undefined : dto.ttl;
  return { roomId, content, imageUrl, ttl, expireFrom, burn, clientId, replyTo: dto.replyTo };
}

/** @throws AppError ValidationError for a text of more characters than `MAX_MESSAGE_LENGTH` */
export function checkLength(content: string, maxLength: number): void {
  if (content.length > maxLength && codePoints(content) > maxLength) {
    throw AppError.field('content', `content must have at most ${maxLength} characters`);
  }
}
