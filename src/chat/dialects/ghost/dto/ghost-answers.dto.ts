import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { DimensionsDto } from './ghost-requests.dto';

const TOKEN = 'ABC-123-XYZ';
const MESSAGE_ID = 'msg_1893456000000_5f2c1a9be07d4c3388a1f0e2';
const FILENAME = 'msg_4f1d_1893456000000_k5f2c1a9be07d4c3388a1f0e2.png';
const IMAGE_ID = 'msg_4f1d_1893456000000_k5f2c1a9be07d4c3388a1f0e2';

export class NewRoomTokenDto {
  @ApiProperty({ example: TOKEN })
  roomToken!: string;
}

export class RoomJoinedDto {
  @ApiProperty({ example: TOKEN })
  roomToken!: string;
  @ApiProperty({ type: [String], example: ['Ghost-456', 'Ghost-7'], description: 'Who is in the room, you included.' })
  participants!: string[];
  @ApiProperty({
    example: 'q7Jx0n3m5Yw1sZb8Kc2dVg',
    description: 'Send it with the next `join-room` to take your name over from a connection that was lost.',
  })
  rejoinKey!: string;
}

export class SentGhostMessageDto {
  @ApiProperty({ example: MESSAGE_ID })
  messageId!: string;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  timestamp!: string;
}

export class SentGhostImageDto {
  @ApiProperty({ example: IMAGE_ID })
  id!: string;
  @ApiProperty({ example: 'holiday.png', description: 'As its sender called it.' })
  name!: string;
  @ApiProperty({ example: FILENAME })
  filename!: string;
  @ApiProperty({ example: `/api/image/${FILENAME}`, description: 'A path: put your base URL before it.' })
  imageUrl!: string;
  @ApiProperty({ example: 48_213, description: 'Bytes of the stored picture.' })
  size!: number;
  @ApiProperty({ example: 'image/png' })
  mimeType!: string;
  @ApiProperty({ type: DimensionsDto })
  dimensions!: DimensionsDto;
}

export class GhostMessageDto {
  @ApiProperty({ example: MESSAGE_ID })
  id!: string;
  @ApiProperty({ enum: ['text', 'image'], example: 'text' })
  type!: 'text' | 'image';
  @ApiPropertyOptional({ example: 'mJ1yqDbKs0x2vZ4e…', description: 'Of a text: as it was sent.' })
  message?: string;
  @ApiPropertyOptional({ type: SentGhostImageDto, description: 'Of a picture.' })
  imageData?: SentGhostImageDto;
  @ApiPropertyOptional({ example: '', description: 'Of a picture: as it was sent.' })
  caption?: string;
  @ApiProperty({ example: 'Ghost-456' })
  sender!: string;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  timestamp!: string;
  @ApiProperty({ example: 86_400, description: 'Seconds from `timestamp`; 0: burns after reading.' })
  ttl!: number;
  @ApiProperty({ example: TOKEN })
  roomToken!: string;
}

const SENT = { sender: 'Ghost-456', timestamp: '2030-01-01T12:00:00.000Z', ttl: 86_400, roomToken: TOKEN };

/** What comes: a text, and a picture. */
export const GHOST_MESSAGE_EXAMPLES: GhostMessageDto[] = [
  { id: MESSAGE_ID, type: 'text', message: 'mJ1yqDbKs0x2vZ4e…', ...SENT },
  {
    id: MESSAGE_ID,
    type: 'image',
    imageData: {
      id: IMAGE_ID,
      name: 'holiday.png',
      filename: FILENAME,
      imageUrl: `/api/image/${FILENAME}`,
      size: 48_213,
      mimeType: 'image/png',
      dimensions: { width: 800, height: 600 },
    },
    caption: '',
    ...SENT,
  },
];

export class GhostHistoryDto {
  @ApiProperty({ type: [GhostMessageDto], description: 'Ascending; no burn messages.' })
  messages!: GhostMessageDto[];
  @ApiProperty({ example: 1 })
  count!: number;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z', description: 'Time of the answer.' })
  timestamp!: string;
}

export class GhostStatsDto {
  @ApiProperty({ example: TOKEN })
  roomToken!: string;
  @ApiProperty({ example: 2 })
  participantCount!: number;
  @ApiProperty({ example: 1 })
  messageCount!: number;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  createdAt!: string;
}

export class AgentDto {
  @ApiProperty({ example: 'Ghost-456' })
  agentId!: string;
}

export class GhostMessageExpiredDto {
  @ApiProperty({ example: MESSAGE_ID })
  messageId!: string;
}

export class GhostUploadedDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ example: IMAGE_ID })
  imageId!: string;
  @ApiProperty({ example: FILENAME })
  filename!: string;
  @ApiProperty({ example: `/api/image/${FILENAME}` })
  imageUrl!: string;
  @ApiProperty({ example: 48_213 })
  size!: number;
  @ApiProperty({ example: 'image/png' })
  mimeType!: string;
}

export class GhostImageDeletedDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ example: IMAGE_ID })
  imageId!: string;
}
