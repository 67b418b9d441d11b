import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { serverEvent } from '../realtime/server-event';
import { MESSAGE_ID_EXAMPLE, MessageDto, ReactionDto, ROOM_ID_EXAMPLE } from './dto/message.dto';
import { RoomDto } from './dto/room.dto';
import { MESSAGE_STATUSES, type MessageStatus } from './engine/message';

const USER_ID = '5f2c1a9be07d4c3388a1f0e2';

class RoomEventDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
}

export class StatusUpdatedDto extends RoomEventDto {
  @ApiPropertyOptional({ example: MESSAGE_ID_EXAMPLE, description: 'One message; else `upToSeq`.' })
  messageId?: string;
  @ApiPropertyOptional({
    example: 7,
    description: 'All messages up to this seq that can rise, for more than 50 at once.',
  })
  upToSeq?: number;
  @ApiProperty({ enum: MESSAGE_STATUSES, example: 'seen' })
  status!: MessageStatus;
  @ApiProperty({ example: USER_ID, description: 'Who raised it.' })
  userId!: string;
  @ApiProperty({ example: '2030-01-01T12:00:05.000Z' })
  at!: string;
  @ApiPropertyOptional({ example: '2030-01-01T12:05:00.000Z', description: 'Where the deadline moved.' })
  expiresAt?: string;
}

export class MessageExpiredDto extends RoomEventDto {
  @ApiProperty({ type: [String], example: [MESSAGE_ID_EXAMPLE] })
  messageIds!: string[];
  @ApiProperty({ enum: ['expired', 'burned'], example: 'expired' })
  reason!: 'expired' | 'burned';
}

export class MessageDeletedDto extends RoomEventDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  messageId!: string;
  @ApiProperty({ example: USER_ID })
  deletedBy!: string;
  @ApiProperty({ example: '2030-01-01T12:00:05.000Z' })
  deletedAt!: string;
}

export class MessageReactionDto extends RoomEventDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  messageId!: string;
  @ApiProperty({ example: USER_ID, description: 'Who did it.' })
  userId!: string;
  @ApiProperty({ example: '👍' })
  emoji!: string;
  @ApiProperty({ enum: ['added', 'removed'], example: 'added' })
  action!: 'added' | 'removed';
  @ApiProperty({ type: [ReactionDto], description: 'All that the message has now.' })
  reactions!: ReactionDto[];
}

export class UserInRoomDto extends RoomEventDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ type: [String], example: [USER_ID], description: 'Users with a socket that joined the room.' })
  activeUsers!: string[];
}

export class TypingIndicatorDto extends RoomEventDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
  @ApiProperty({ example: true })
  isTyping!: boolean;
}

export class RoomChangedDto {
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
}

export class RoomKeysDto extends RoomEventDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ example: 'BNcRdreALRFXTkOOUHK1EtK2wtaz…' })
  publicKey!: string;
}

export class RoomClosedDto extends RoomEventDto {
  @ApiProperty({ enum: ['left', 'deleted', 'erased'], example: 'left' })
  reason!: 'left' | 'deleted' | 'erased';
}

const NATIVE = '/';
const RAISED = { roomId: ROOM_ID_EXAMPLE, status: 'seen', userId: USER_ID, at: '2030-01-01T12:00:05.000Z' } as const;

/** What the server sends in `/` about rooms. */
export const ChatEvents = {
  messageNew: serverEvent(NATIVE, 'message:new', MessageDto, 'A message, to all sockets of the room, the sender too.'),
  statusUpdated: serverEvent(
    NATIVE,
    'message:statusUpdated',
    StatusUpdatedDto,
    "A status rose; to the sender's sockets and to the raiser's other ones.",
    [
      { ...RAISED, messageId: MESSAGE_ID_EXAMPLE },
      { ...RAISED, upToSeq: 7 },
    ],
  ),
  expired: serverEvent(NATIVE, 'message:expired', MessageExpiredDto, 'Messages are gone: drop them.'),
  edited: serverEvent(NATIVE, 'message:edited', MessageDto, 'A message has another text: put it in place of yours.'),
  deleted: serverEvent(
    NATIVE,
    'message:deleted',
    MessageDeletedDto,
    'A message was deleted: show a tombstone, and no preview of it in replies.',
  ),
  reaction: serverEvent(NATIVE, 'message:reaction', MessageReactionDto, 'Somebody reacted, or took it back.'),
  userJoined: serverEvent(NATIVE, 'user:joined', UserInRoomDto, "A user's first socket joined the room."),
  userLeft: serverEvent(NATIVE, 'user:left', UserInRoomDto, "A user's last joined socket left the room."),
  typing: serverEvent(NATIVE, 'typing:indicator', TypingIndicatorDto, 'Somebody else began or ended to type.'),
  roomCreated: serverEvent(NATIVE, 'room:created', RoomChangedDto, 'Somebody opened a direct room with you.'),
  roomUpdated: serverEvent(NATIVE, 'room:updated', RoomChangedDto, 'Settings, name, members or roles changed.'),
  roomKeys: serverEvent(NATIVE, 'room:keys', RoomKeysDto, "Another member's public key for this room."),
  roomClosed: serverEvent(
    NATIVE,
    'room:closed',
    RoomClosedDto,
    'The room was wiped; stands for the expiry of all its messages.',
  ),
};
