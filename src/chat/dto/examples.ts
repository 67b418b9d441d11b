import type { JoinRoomDto, MessageStatusDto } from './chat-requests.dto';
import { MESSAGE_ID_EXAMPLE, ROOM_ID_EXAMPLE } from './message.dto';

const roomId = ROOM_ID_EXAMPLE;

/** For the first time, and to come back. */
export const JOIN_EXAMPLES: readonly JoinRoomDto[] = [
  { roomId },
  { roomId, since: 7, epoch: '0f9a8b7c6d5e4f3a2b1c0d9e', sinceTime: '2030-01-01T12:00:00.000Z' },
];

/** Of one message, or of all up to a seq. */
export const STATUS_EXAMPLES: readonly MessageStatusDto[] = [
  { roomId, messageId: MESSAGE_ID_EXAMPLE, status: 'delivered' },
  { roomId, upToSeq: 7, status: 'seen' },
];
