import { ApiHideProperty, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsISO8601, IsOptional, Max, Min } from 'class-validator';
import { IsIntString, IsOpaque, IsRawText } from '../../common/validation/decorators';
import { IsEmoji } from '../../common/validation/emoji';
import { MESSAGE_STATUSES, type MessageStatus } from '../engine/message';
import { MAX_TEXT_LENGTH } from '../message-text';
import { MESSAGE_ID_EXAMPLE, ROOM_ID_EXAMPLE } from './message.dto';

/** Ids of every kind are shorter. */
const MAX_ID = 128;
const MAX_URL = 2048;
const MAX_CLIENT_ID = 64;
const MAX_PUBLIC_KEY = 8 * 1024;
const MAX_EPOCH = 64;
const MAX_SEQ = Number.MAX_SAFE_INTEGER;
const EXPIRE_FROM = ['sent', 'seen'];
const SENDABLE_TYPES = ['text', 'image', 'file', 'voice'];
const MAX_TTL_S = 2_592_000;
const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

export class RoomIdDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  @IsOpaque(MAX_ID, 1)
  roomId!: string;
}

export class JoinRoomDto extends RoomIdDto {
  @ApiPropertyOptional({ example: 'BNcRdreALRFXTkOOUHK1EtK2wtaz…', description: 'Opaque, handed to the others.' })
  @IsOptional()
  @IsOpaque(MAX_PUBLIC_KEY, 1)
  publicKey?: string;

  @ApiPropertyOptional({
    example: 7,
    description: '`lastSeq` of the last join ack, or a later `message:new`. With `epoch`.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  since?: number;

  @ApiPropertyOptional({
    example: '0f9a8b7c6d5e4f3a2b1c0d9e',
    description: '`epoch` of the last join ack. With `since`.',
  })
  @IsOptional()
  @IsOpaque(MAX_EPOCH, 1)
  epoch?: string;

  @ApiPropertyOptional({ example: '2030-01-01T12:00:00.000Z', description: '`serverTime` of the last join ack.' })
  @IsOptional()
  @IsISO8601({ strict: true })
  @IsOpaque(MAX_EPOCH)
  sinceTime?: string;
}

/** What a message may carry; the room is in the path or beside it. */
export class MessageBodyDto {
  @ApiPropertyOptional({ example: 'See you at eight', maxLength: 5000 })
  @IsOptional()
  @IsRawText({ max: MAX_TEXT_LENGTH })
  content?: string;

  @ApiPropertyOptional({
    example: 60,
    description: "Lifetime, whole seconds; default: the room's. 0: burn after reading.",
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_TTL_S)
  ttl?: number;

  @ApiPropertyOptional({ maxLength: MAX_CLIENT_ID, description: 'Makes a repeat of the send harmless.' })
  @IsOptional()
  @IsOpaque(MAX_CLIENT_ID, 1)
  clientId?: string;

  @ApiPropertyOptional({ enum: SENDABLE_TYPES, description: 'Ignored: it follows from the attachment.' })
  @IsOptional()
  @IsIn(SENDABLE_TYPES)
  type?: string;

  @ApiPropertyOptional({ description: 'Burn after reading; as `ttl: 0`. Not with `expireFrom`.' })
  @IsOptional()
  @IsBoolean()
  burn?: boolean;

  @ApiPropertyOptional({
    enum: EXPIRE_FROM,
    default: 'sent',
    description: '`seen`: the lifetime starts when the last recipient has seen it.',
  })
  @IsOptional()
  @IsIn(EXPIRE_FROM)
  expireFrom?: 'sent' | 'seen';

  @ApiPropertyOptional({
    example: 'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=upload.Zm9vYmFy',
    maxLength: MAX_URL,
    description: 'Of an image that you uploaded, as the upload told it. The message may have a text as well.',
  })
  @IsOptional()
  @IsOpaque(MAX_URL)
  imageUrl?: string;

  // Known to the contract, not built yet: refused in `outgoingOf`, never ignored.

  @ApiHideProperty()
  @IsOptional()
  @IsOpaque(MAX_ID)
  fileId?: string;

  @ApiPropertyOptional({ example: MESSAGE_ID_EXAMPLE, description: 'The message in the same room that it answers.' })
  @IsOptional()
  @IsOpaque(MAX_ID, 1)
  replyTo?: string;
}

export class SendMessageDto extends MessageBodyDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  @IsOpaque(MAX_ID, 1)
  roomId!: string;
}

export class MessageIdDto extends RoomIdDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  @IsOpaque(MAX_ID, 1)
  messageId!: string;
}

export class EditBodyDto {
  @ApiProperty({ example: 'See you at nine', maxLength: 5000 })
  @IsRawText({ min: 1, max: MAX_TEXT_LENGTH })
  content!: string;
}

export class EditMessageDto extends MessageIdDto {
  @ApiProperty({ example: 'See you at nine', maxLength: 5000 })
  @IsRawText({ min: 1, max: MAX_TEXT_LENGTH })
  content!: string;
}

export class ReactionTargetDto extends MessageIdDto {
  @ApiProperty({ example: '👍', description: 'One emoji.' })
  @IsEmoji()
  emoji!: string;
}

export class RevealBodyDto {
  @ApiPropertyOptional({
    maxLength: MAX_CLIENT_ID,
    description: 'Makes a repeat harmless: during the countdown the same one gets the same answer.',
  })
  @IsOptional()
  @IsOpaque(MAX_CLIENT_ID, 1)
  revealId?: string;
}

export class RevealMessageDto extends RevealBodyDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  @IsOpaque(MAX_ID, 1)
  roomId!: string;

  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  @IsOpaque(MAX_ID, 1)
  messageId!: string;
}

export class MessageStatusDto extends RoomIdDto {
  @ApiPropertyOptional({ example: MESSAGE_ID_EXAMPLE, description: 'One message; or `upToSeq`.' })
  @IsOptional()
  @IsOpaque(MAX_ID, 1)
  messageId?: string;

  @ApiPropertyOptional({ example: 7, description: 'All messages up to this seq; or `messageId`.' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  upToSeq?: number;

  @ApiProperty({ enum: MESSAGE_STATUSES, example: 'seen' })
  @IsIn(MESSAGE_STATUSES)
  status!: MessageStatus;
}

export class ReadRoomDto extends RoomIdDto {
  @ApiProperty({ example: 7, description: 'Everything up to this seq.' })
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  upToSeq!: number;
}

export class ReadDto {
  @ApiProperty({ example: 7, description: 'All messages up to this seq.' })
  @IsInt()
  @Min(0)
  @Max(MAX_SEQ)
  upToSeq!: number;

  @ApiPropertyOptional({ enum: MESSAGE_STATUSES, default: 'seen' })
  @IsOptional()
  @IsIn(MESSAGE_STATUSES)
  status?: MessageStatus;
}

export class MessagesQueryDto {
  @ApiPropertyOptional({ minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE })
  @IsOptional()
  @IsIntString(1, MAX_PAGE)
  limit?: number;

  @ApiPropertyOptional({ example: 7, description: 'Messages before this seq; default: the newest.' })
  @IsOptional()
  @IsIntString(0, MAX_SEQ)
  before?: number;

  get count(): number {
    return this.limit ?? DEFAULT_PAGE;
  }
}
