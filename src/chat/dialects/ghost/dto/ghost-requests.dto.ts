import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNumber, IsOptional, Matches, Max, Min } from 'class-validator';
import { CodePoints, IsIntString, IsOpaque, IsText } from '../../../../common/validation/decorators';
import { GHOST_TOKEN } from '../ghost-tokens';

/** ghost.md: ciphertext, so more than a text for people may have. */
export const MAX_GHOST_TEXT = 20_000;
const MAX_TOKEN = 11;
const MAX_AGENT = 32;
const MAX_KEY = 64;
const MAX_TTL_S = 2_592_000;
/** Most bytes of an image. */
export const MAX_GHOST_IMAGE = 10 * 1024 * 1024;
/** Printable, and nothing that a page could take for markup. */
const AGENT = /^[^\p{C}\p{Zl}\p{Zp}<>&]+$/u;

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
