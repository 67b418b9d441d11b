import { ErrorEventDto } from '../../../realtime/error-event';
import { serverEvent } from '../../../realtime/server-event';
import { MessageExpiredDto, MessageReactionDto } from '../../chat.events';
import { MessageReportedDto } from '../../dto/report.dto';
import { ExpelledDto } from '../../membership.events';
import { DeletedMessageDto, NewMessageDto, PresenceUpdateDto, UserStoppedTypingDto, UserTypingDto } from './rooms.dto';

export const ROOMS = '/rooms';

/** What the server sends in `/rooms`, to sockets that sent `join-rooms`. */
export const RoomsEvents = {
  newMessage: serverEvent(ROOMS, 'new-message', NewMessageDto, "A message, to the room's sockets, the sender's too."),
  edited: serverEvent(ROOMS, 'message-edited', NewMessageDto, 'A message has another text: put it in place of yours.'),
  deleted: serverEvent(
    ROOMS,
    'message-deleted',
    DeletedMessageDto,
    'A message was deleted: show that it was, and no preview of it in replies.',
  ),
  reaction: serverEvent(ROOMS, 'message-reaction', MessageReactionDto, 'Somebody reacted, or took it back.'),
  expired: serverEvent(ROOMS, 'message-expired', MessageExpiredDto, 'Messages are gone: drop them.'),
  typing: serverEvent(ROOMS, 'user-typing', UserTypingDto, 'Somebody else began to type.'),
  stoppedTyping: serverEvent(ROOMS, 'user-stopped-typing', UserStoppedTypingDto, 'Somebody else types no more.'),
  presence: serverEvent(
    ROOMS,
    'user-presence-update',
    PresenceUpdateDto,
    'Somebody who shares a room with you came online, or went offline.',
  ),
  reported: serverEvent(
    ROOMS,
    'message-reported',
    MessageReportedDto,
    'Somebody reported a message in a room that you moderate.',
  ),
  kicked: serverEvent(ROOMS, 'room-kicked', ExpelledDto, 'You are in the room no more: drop it and what is in it.'),
  error: serverEvent(ROOMS, 'error', ErrorEventDto, 'An event of yours that carried no ack failed.'),
};
