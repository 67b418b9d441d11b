import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsNumber, IsOptional, Matches, Max, Min, ValidateNested } from 'class-validator';
import { CodePoints, IsIntString, IsOpaque, IsText } from '../../../../common/validation/decorators';
import { GHOST_TOKEN } from '../ghost-tokens';

/** ghost.md: ciphertext, so more than a text for people may have. */
export const MAX_GHOST_TEXT = 20_000;
const MAX_TOKEN = 11;
const MAX_AGENT = 32;
const MAX_KEY = 64;
const MAX_TTL_S = 2_592_000;
const MAX_NAME = 255;
const MAX_FILENAME = 200;
/** Most bytes of an image, encoded or not, and what they take as base64 with what goes before them. */
export const MAX_GHOST_IMAGE = 10 * 1024 * 1024;
const MAX_DATA_URL = Math.ceil(MAX_GHOST_IMAGE / 3) * 4 + 100;
/** Printable, and nothing that a page could take for markup. */
const AGENT = new RegExp(`^[^\\p{C}\\p{Zl}\\p{Zp}<>&]{1,${MAX_AGENT}}$`, 'u');

const EXAMPLE_TOKEN = 'ABC-123-XYZ';

const IsToken = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ example: EXAMPLE_TOKEN, description: 'Opens the room to whoever knows it.' }),
    IsOpaque(MAX_TOKEN, 1),
    Matches(GHOST_TOKEN, { message: 'Invalid room token' }),
  );

const IsAgent = (description: string): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ example: 'Ghost-456', minLength: 1, maxLength: MAX_AGENT, description }),
    IsText({ min: 1, max: MAX_AGENT }),
    Matches(AGENT, { message: '$property must be printable, without <, > and &' }),
  );

const IsTtl = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      example: 86_400,
      default: 86_400,
      description:
        'Lifetime in seconds, at most `GHOST_TTL_MAX_S`; 0: burns after reading. A decimal string is taken too.',
    }),
    IsOptional(),
    IsIntString(0, MAX_TTL_S),
  );

/** What names a room. */
export class GhostRoomDto {
  @IsToken()
  roomToken!: string;
}

export class JoinGhostRoomDto extends GhostRoomDto {
  @IsAgent('The name that the others see: yours as long as this socket is in the room.')
  agentId!: string;

  @ApiPropertyOptional({
    example: 'q7Jx0n3m5Yw1sZb8Kc2dVg',
    description: '`rejoinKey` of an earlier `room-joined`: takes the name over from the socket that has it.',
  })
  @IsOptional()
  @IsOpaque(MAX_KEY, 1)
  rejoinKey?: string;
}

export class SendGhostMessageDto extends GhostRoomDto {
  @ApiProperty({ example: 'mJ1yqDbKs0x2vZ4e…', maxLength: MAX_GHOST_TEXT, description: 'Opaque; pages encrypt it.' })
  @CodePoints(1, MAX_GHOST_TEXT)
  message!: string;

  @IsAgent('Your own `agentId`.')
  sender!: string;

  @IsTtl()
  ttl?: number;
}

export class DimensionsDto {
  @ApiProperty({ example: 800 })
  @IsNumber()
  @Min(0)
  @Max(1_000_000)
  width!: number;

  @ApiProperty({ example: 600 })
  @IsNumber()
  @Min(0)
  @Max(1_000_000)
  height!: number;
}

/** A picture as a client tells of it. What it says of size, type and pixels is not believed. */
export class GhostImageDto {
  @ApiPropertyOptional({ example: 'img_1', description: 'Of the client; the server gives another.' })
  @IsOptional()
  @IsOpaque(MAX_NAME)
  id?: string;

  @ApiPropertyOptional({ example: 'holiday.png', maxLength: MAX_NAME })
  @IsOptional()
  @IsText({ max: MAX_NAME })
  name?: string;

  @ApiPropertyOptional({
    example: 'data:image/png;base64,iVBORw0KGgo…',
    description: 'The picture as a base64 data URL, 10 MB decoded at most; or `filename` in its place.',
  })
  @IsOptional()
  @IsOpaque(MAX_DATA_URL, 1)
  data?: string;

  @ApiPropertyOptional({
    example: 'msg_4f1d_1893456000000_k5f2c1a9be07d4c3388a1f0e2.png',
    description: '`filename` of an upload that no message shows yet.',
  })
  @IsOptional()
  @IsOpaque(MAX_FILENAME, 1)
  filename?: string;

  @ApiPropertyOptional({ example: 48_213, description: 'Not believed.' })
  @IsOptional()
  @IsNumber()
  size?: number;

  @ApiPropertyOptional({ example: 'image/png', description: 'Not believed.' })
  @IsOptional()
  @IsOpaque(MAX_NAME)
  mimeType?: string;

  @ApiPropertyOptional({ type: DimensionsDto, description: 'Not believed.' })
  @IsOptional()
  @ValidateNested()
  @Type(() => DimensionsDto)
  dimensions?: DimensionsDto;
}

export class SendGhostImageDto extends GhostRoomDto {
  @ApiProperty({ type: GhostImageDto })
  @IsDefined()
  @ValidateNested()
  @Type(() => GhostImageDto)
  imageData!: GhostImageDto;

  @ApiPropertyOptional({ example: 'mJ1yqDbKs0x2vZ4e…', maxLength: MAX_GHOST_TEXT, description: 'Opaque.' })
  @IsOptional()
  @CodePoints(0, MAX_GHOST_TEXT)
  caption?: string;

  @IsAgent('Your own `agentId`.')
  sender!: string;

  @IsTtl()
  ttl?: number;
}

const SENT_IMAGE = { roomToken: EXAMPLE_TOKEN, caption: '', sender: 'Ghost-456', ttl: 86_400 };

/** A picture with its bytes, and one that was uploaded. */
export const SEND_GHOST_IMAGE_EXAMPLES: SendGhostImageDto[] = [
  { ...SENT_IMAGE, imageData: { name: 'holiday.png', data: 'data:image/png;base64,iVBORw0KGgo…' } },
  {
    ...SENT_IMAGE,
    imageData: { name: 'holiday.png', filename: 'msg_4f1d_1893456000000_k5f2c1a9be07d4c3388a1f0e2.png' },
  },
];

/** Fields of the form of an upload. */
export class GhostUploadDto {
  @ApiPropertyOptional({ example: 'msg_1', maxLength: 64, description: 'Becomes part of the file name.' })
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'messageId must be 1 to 64 letters, digits, _ or -' })
  messageId?: string;

  @ApiPropertyOptional({
    type: 'integer',
    example: 86_400,
    default: 86_400,
    description:
      'Lifetime in seconds while no message shows it, at most `GHOST_TTL_MAX_S`; 0: `BURN_DELAY_MS` from its first download.',
  })
  @IsOptional()
  @IsIntString(0, MAX_TTL_S)
  ttl?: number;

  @ApiProperty({ type: 'string', format: 'binary', description: 'A JPEG, PNG, GIF or WebP image, 10 MB at most.' })
  image: unknown;
}
