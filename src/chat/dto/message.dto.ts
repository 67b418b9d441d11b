import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  MESSAGE_STATUSES,
  MESSAGE_TYPES,
  type MessageStatus,
  type MessageType,
  SYSTEM_KINDS,
  type SystemKind,
} from '../engine/message';

export const USER_ID = '5f2c1a9be07d4c3388a1f0e2';
export const MESSAGE_ID_EXAMPLE = 'msg_1893499200000_9c1d8e7f6a5b4c3d2e1f0a9b';
export const ROOM_ID_EXAMPLE = 'dm_5f2c1a9be07d4c3388a1f0e2_9a7b3c21d4e5f60718293a4b';

export class SystemNoteDto {
  @ApiProperty({ enum: SYSTEM_KINDS, example: 'settings' })
  kind!: SystemKind;
  @ApiProperty({ example: USER_ID })
  actorId!: string;
  @ApiPropertyOptional({ example: USER_ID })
  targetId?: string;
}

export class QuoteDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  id!: string;
  @ApiProperty({ example: USER_ID })
  senderId!: string;
  @ApiProperty({ example: 'bob' })
  senderUsername!: string;
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'When do we meet?',
    description: 'The beginning of its text as it is now; null where it is gone, burns, is encrypted or has none.',
  })
  preview!: string | null;
}

export class ReactionDto {
  @ApiProperty({ example: '👍' })
  emoji!: string;
  @ApiProperty({ example: 1 })
  count!: number;
  @ApiProperty({ type: [String], example: [USER_ID] })
  userIds!: string[];
}

export class MessageDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  id!: string;
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: 7, description: '1, 2, 3 … in each room, while its epoch stays.' })
  seq!: number;
  @ApiProperty({ example: USER_ID })
  senderId!: string;
  @ApiProperty({ example: 'alice' })
  senderUsername!: string;
  @ApiProperty({ enum: MESSAGE_TYPES, example: 'text' })
  type!: MessageType;
  @ApiPropertyOptional({ example: 'See you at eight' })
  content?: string;
  @ApiPropertyOptional({
    example:
      'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=0f9a8b7c6d5e4f3a2b1c0d9e.Zm9v',
    description: 'Absolute, signed anew at each delivery. It ends with the message, and after 24 hours at the latest.',
  })
  imageUrl?: string;
  @ApiProperty({ enum: MESSAGE_STATUSES, example: 'sent' })
  status!: MessageStatus;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  createdAt!: string;
  @ApiProperty({
    type: String,
    nullable: true,
    example: '2030-01-01T13:00:00.000Z',
    description: 'From this instant it is served by no path. Null only in rooms that keep their history.',
  })
  expiresAt!: string | null;
  @ApiPropertyOptional({ example: 'c-42', description: 'What the sender called it.' })
  clientId?: string;
  @ApiPropertyOptional({ example: true, description: 'True where it burns after reading.' })
  burn?: boolean;
  @ApiPropertyOptional({ example: true, description: 'True where it has to be revealed: no content, no picture.' })
  concealed?: boolean;
  @ApiPropertyOptional({ type: QuoteDto, description: 'What it answers.' })
  replyTo?: QuoteDto;
  @ApiPropertyOptional({ example: '2030-01-01T12:01:00.000Z', description: 'When its text was last changed.' })
  editedAt?: string;
  @ApiPropertyOptional({ type: [ReactionDto] })
  reactions?: ReactionDto[];
  @ApiPropertyOptional({ type: SystemNoteDto, description: 'Messages of type `system` only.' })
  system?: SystemNoteDto;
}
