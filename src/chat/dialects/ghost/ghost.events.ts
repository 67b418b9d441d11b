import { ErrorEventDto } from '../../../realtime/error-event';
import { serverEvent } from '../../../realtime/server-event';
import {
  AgentDto,
  GHOST_MESSAGE_EXAMPLES,
  GhostMessageDto,
  GhostMessageExpiredDto,
  RoomJoinedDto,
} from './dto/ghost-answers.dto';

export const GHOST = '/ghost';

/** What the server sends in `/ghost`. */
export const GhostEvents = {
  roomJoined: serverEvent(GHOST, 'room-joined', RoomJoinedDto, 'You are in the room.'),
  joined: serverEvent(GHOST, 'participant-joined', AgentDto, 'Somebody else came into the room.'),
  left: serverEvent(GHOST, 'participant-left', AgentDto, 'Somebody left the room.'),
  newMessage: serverEvent(
    GHOST,
    'new-message',
    GhostMessageDto,
    'A message, to all in the room, its sender too.',
    GHOST_MESSAGE_EXAMPLES,
  ),
  expired: serverEvent(GHOST, 'message-expired', GhostMessageExpiredDto, 'A message is gone: drop it.'),
  typing: serverEvent(GHOST, 'user-typing', AgentDto, 'Somebody else began to type.'),
  stoppedTyping: serverEvent(GHOST, 'user-stopped-typing', AgentDto, 'They type no more.'),
  error: serverEvent(GHOST, 'error', ErrorEventDto, 'An event of yours that carried no ack failed.'),
};
