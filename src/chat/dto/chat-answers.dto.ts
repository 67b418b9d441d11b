import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import { MESSAGE_ID_EXAMPLE, MessageDto, ROOM_ID_EXAMPLE } from './message.dto';
import { RoomDto } from './room.dto';

const USER_ID = '9a7b3c21d4e5f60718293a4b';
const TIME = '2030-01-01T12:00:00.000Z';

export class SentDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  messageId!: string;
  @ApiProperty({ example: TIME })
  timestamp!: string;
  @ApiProperty({ example: 7 })
  seq!: number;
  @ApiProperty({ type: String, nullable: true, example: '2030-01-01T13:00:00.000Z' })
  expiresAt!: string | null;
  @ApiProperty({ example: TIME })
  serverTime!: string;
  @ApiPropertyOptional({ description: 'True where `clientId` was sent before: nothing new was stored.' })
  duplicate?: boolean;
}

export class RevealedDto {
  @ApiProperty({ type: MessageDto, description: 'With its content.' })
  message!: MessageDto;
  @ApiProperty({ example: '2030-01-01T12:00:30.000Z', description: 'When it is gone for you.' })
  expiresAt!: string;
}

export class MessageAnswerDto {
  @ApiProperty({ type: MessageDto })
  message!: MessageDto;
}

export class RevealAnswerDto extends RevealedDto {
  @ApiProperty({ example: true })
  success!: boolean;
}

export class WatermarksDto {
  @ApiProperty({ example: 7, description: 'Every other member has what is up to this seq.' })
  delivered!: number;
  @ApiProperty({ example: 5, description: 'Every other member has seen what is up to this seq.' })
  seen!: number;
}

export class ReceiptDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ type: String, nullable: true, example: TIME, description: 'Null: not yet.' })
  deliveredAt!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null, description: 'Null: not yet.' })
  seenAt!: string | null;
}

export class ReceiptsDto {
  @ApiProperty({ type: [ReceiptDto] })
  receipts!: ReceiptDto[];
}

export class JoinedDto {
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
  @ApiProperty({ type: [MessageDto], description: 'Ascending; without `since` the newest, else those after it.' })
  messages!: MessageDto[];
  @ApiProperty({
    type: 'array',
    items: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
    example: [[3, 7]],
    description: 'Ranges of seqs up to `since` that still stand; drop what else you hold.',
  })
  live!: [number, number][];
  @ApiProperty({ type: [MessageDto], description: 'Messages up to `since` that changed since `sinceTime`.' })
  changed!: MessageDto[];
  @ApiPropertyOptional({
    description: 'True with `since`: join again with `lastSeq`. True without: older ones are there by REST.',
  })
  more?: boolean;
  @ApiPropertyOptional({ type: WatermarksDto, description: 'In rooms that are not direct.' })
  watermarks?: WatermarksDto;
  @ApiProperty({ type: [String], example: [USER_ID] })
  activeUsers!: string[];
  @ApiPropertyOptional({ example: USER_ID })
  otherUserId?: string;
  @ApiPropertyOptional({ example: 'BNcRdreALRFXTkOOUHK1EtK2wtaz…' })
  otherUserPublicKey?: string;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' }, example: { [USER_ID]: 'BNcRdreALRFXTk…' } })
  publicKeys!: Record<string, string>;
  @ApiProperty({ example: 7, description: 'The last seq looked at: the next `since`.' })
  lastSeq!: number;
  @ApiProperty({ example: '0f9a8b7c6d5e4f3a2b1c0d9e', description: 'Stays while seqs count on; the next `epoch`.' })
  epoch!: string;
  @ApiProperty({ example: false, description: 'True: drop everything you hold of this room.' })
  gap!: boolean;
  @ApiProperty({ example: TIME, description: 'The next `sinceTime`.' })
  serverTime!: string;
}

export class JoinedRoomDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: 7, description: 'Seq of its newest message; 0 without.' })
  lastSeq!: number;
  @ApiProperty({ example: '0f9a8b7c6d5e4f3a2b1c0d9e', description: 'Stays while seqs count on.' })
  epoch!: string;
  @ApiProperty({ example: 1, description: 'Live messages of others that you have not seen.' })
  unreadCount!: number;
}

export class JoinedRoomsDto {
  @ApiProperty({ type: [JoinedRoomDto], description: 'All rooms of the caller, newest activity first.' })
  rooms!: JoinedRoomDto[];
}

export class OpenedRoomDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
  @ApiProperty({ type: [MessageDto], description: 'The newest, ascending.' })
  messages!: MessageDto[];
}

export class RoomAnswerDto {
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
}

export class LastMessageDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  id!: string;
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'See you at eight',
    description: 'Null for messages that burn after reading.',
  })
  content!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null })
  imageUrl!: string | null;
  @ApiProperty({ example: TIME })
  createdAt!: string;
  @ApiProperty({ example: USER_ID })
  senderId!: string;
}

/** Rooms of more than two have the fields of a room in place of who is on the other side. */
export class RoomSummaryDto extends PartialType(OmitType(RoomDto, ['id', 'type', 'createdAt'])) {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  id!: string;
  @ApiProperty({ enum: ['direct', 'public', 'private'], example: 'direct' })
  type!: string;
  @ApiPropertyOptional({ example: USER_ID, description: 'Of a direct room.' })
  otherUserId?: string;
  @ApiProperty({ example: 'bob', description: 'Of other rooms than direct ones their name.' })
  otherUsername!: string;
  @ApiPropertyOptional({ example: true, description: 'Of a direct room.' })
  otherUserOnline?: boolean;
  @ApiProperty({ type: [String], example: [USER_ID] })
  activeUsers!: string[];
  @ApiProperty({ example: 3, description: 'Live messages.' })
  messageCount!: number;
  @ApiProperty({ example: 1, description: 'Live messages of the other that you have not seen.' })
  unreadCount!: number;
  @ApiProperty({ type: LastMessageDto, nullable: true })
  lastMessage!: LastMessageDto | null;
  @ApiProperty({ example: TIME })
  createdAt!: string;
}

export class RoomListDto {
  @ApiProperty({ type: [RoomSummaryDto], description: 'Newest activity first.' })
  rooms!: RoomSummaryDto[];
}

export class MessagePageDto {
  @ApiProperty({ type: [MessageDto], description: 'Ascending.' })
  messages!: MessageDto[];
  @ApiProperty({ example: false, description: 'Older ones exist: ask with `before` = the first seq.' })
  hasMore!: boolean;
}

export class SentMessageDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ type: MessageDto })
  message!: MessageDto;
}

export class ChatStatsDto {
  @ApiProperty({ example: 12, description: 'Rooms that stand.' })
  activeChatCount!: number;
  @ApiProperty({ example: 20 })
  onlineUserCount!: number;
  @ApiProperty({ example: 340, description: 'Live messages.' })
  messageCount!: number;
  @ApiProperty({ example: 5, description: 'Stored images: of messages, uploaded and not sent yet, and avatars.' })
  imageCount!: number;
  @ApiProperty({ example: 86400, description: 'Seconds.' })
  uptime!: number;
}

export class OnlineUserIdsDto {
  @ApiProperty({ type: [String], example: [USER_ID], description: 'At most 200.' })
  onlineUserIds!: string[];
}
