import { isoTime } from '../common/clock';
import type { Ack } from '../realtime/ack';
import type { SentDto } from './dto/chat-answers.dto';
import type { Appended } from './engine/room-feed';

/** What the ack of a send tells; `now` is epoch ms. */
export function sentAck({ message, duplicate }: Appended, now: number): Ack<SentDto> {
  const sent: Ack<SentDto> = {
    success: true,
    messageId: message.id,
    timestamp: isoTime(message.createdAt),
    seq: message.seq,
    expiresAt: message.expiresAt === null ? null : isoTime(message.expiresAt),
    serverTime: isoTime(now),
  };
  if (duplicate) {
    sent.duplicate = true;
  }
  return sent;
}
