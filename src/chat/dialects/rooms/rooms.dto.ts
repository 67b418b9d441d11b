import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MESSAGE_ID_EXAMPLE, QuoteDto, ROOM_ID_EXAMPLE } from '../../dto/message.dto';
import { MESSAGE_TYPES, type MessageType } from '../../engine/message';

const USER_ID = '5f2c1a9be07d4c3388a1f0e2';
const TIME = '2030-01-01T12:00:00.000Z';

export class SenderDto {
  @ApiProperty({ example: USER_ID })
  _id!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
  @ApiProperty({ type: String, nullable: true, example: null, description: 'A signed link to their picture, or null.' })
  avatar!: string | null;
}

/** A message in the words of `/rooms`; what a field means is in `MessageDto`. */
export class NewMessageDto {
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  _id!: string;
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ type: SenderDto })
  sender!: SenderDto;
  @ApiPropertyOptional({ example: 'See you at eight', description: 'Missing where `concealed`.' })
  content?: string;
  @ApiProperty({ enum: MESSAGE_TYPES, example: 'text' })
  type!: MessageType;
  @ApiProperty({ example: TIME })
  timestamp!: string;
  @ApiProperty({
    type: String,
    nullable: true,
    example: '2030-01-01T13:00:00.000Z',
    description: 'From this instant it is served by no path. Null only in rooms that keep their history.',
  })
  expiresAt!: string | null;
  @ApiPropertyOptional({
    example:
      'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=0f9a8b7c6d5e4f3a2b1c0d9e.Zm9v',
    description: 'Of the picture: absolute, signed anew at each delivery.',
  })
  fileUrl?: string;
  @ApiPropertyOptional({ type: QuoteDto, description: 'What it answers.' })
  replyTo?: QuoteDto;
  @ApiPropertyOptional({ description: 'True where it burns after reading and is yet to be revealed.' })
  concealed?: boolean;
}

export class MessageRevealedDto {
  @ApiProperty({ type: NewMessageDto, description: 'With its content.' })
  message!: NewMessageDto;
  @ApiProperty({ example: '2030-01-01T12:00:30.000Z', description: 'When it is gone for you.' })
  expiresAt!: string;
}

export class DeletedMessageDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: MESSAGE_ID_EXAMPLE })
  _id!: string;
}

export class UserTypingDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
}

export class UserStoppedTypingDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ example: USER_ID })
  userId!: string;
}

export class PresenceUpdateDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ enum: ['online', 'offline'], example: 'offline' })
  status!: 'online' | 'offline';
  @ApiProperty({ example: TIME, description: 'When they came, or when their last socket left.' })
  lastSeen!: string;
}
