import { AppError } from '../common/app-error';
import { codePoints } from '../common/text';
import type { MessageBodyDto } from './dto/chat-requests.dto';
import type { Outgoing } from './messages.service';

const NOT_YET = ['expireFrom', 'imageUrl', 'fileId', 'replyTo'] as const;

/** What a checked payload asks to send. @throws AppError ValidationError for what cannot be sent (yet) */
export function outgoingOf(roomId: string, dto: MessageBodyDto, maxLength: number): Outgoing {
  if (dto.burn || dto.ttl === 0) {
    throw AppError.field(dto.burn ? 'burn' : 'ttl', 'Messages that burn after reading are not supported yet');
  }
  for (const field of NOT_YET) {
    if (dto[field] !== undefined) {
      throw AppError.field(field, `${field} is not supported yet`);
    }
  }
  if (dto.content === undefined || dto.content === '') {
    throw AppError.field('content', 'A message needs a text');
  }
  if (dto.content.length > maxLength && codePoints(dto.content) > maxLength) {
    throw AppError.field('content', `content must have at most ${maxLength} characters`);
  }
  return { roomId, content: dto.content, ttl: dto.ttl, clientId: dto.clientId };
}
