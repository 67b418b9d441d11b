import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsDefined, IsIn, IsInt, IsObject, IsOptional, Max, Min, ValidateNested } from 'class-validator';
import { MAX_CURSOR_LENGTH } from '../../common/http/cursors';
import { IsIntString, IsNullable, IsOpaque, IsOpaqueList, IsText } from '../../common/validation/decorators';
import { ROOM_ROLES, type RoomRole } from '../engine/membership';

/** Ids of every kind are shorter. */
const MAX_ID = 128;
const MAX_NAME = 100;
const MAX_DESCRIPTION = 500;
const MAX_REASON = 500;
const MAX_QUERY = 100;
const MAX_INVITED = 100;
const MAX_SLOW_MODE_S = 3600;
/** Bound of the wire; the setting `MAX_MEMBERS_PER_ROOM` bounds it further. */
const MAX_MEMBERS = 100_000;
/** Five years. */
const MAX_MINUTES = 2_628_000;
const MAX_PAGE = 200;
const DEFAULT_PAGE = 50;
const USER_ID = '9a7b3c21d4e5f60718293a4b';
const WANTED_TYPES = ['direct', 'public', 'private'] as const;

/** What is left out stays. */
export class ChangedSettingsDto {
  @ApiPropertyOptional({
    type: Number,
    nullable: true,
    example: 60,
    description: 'Default lifetime of later messages, seconds; null keeps them (not in direct rooms).',
  })
  @IsNullable()
  @IsOptional()
  @IsInt()
  messageTtl?: number | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, example: 100, description: 'At most `MAX_MEMBERS_PER_ROOM`.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_MEMBERS)
  maxMembers?: number;

  @ApiPropertyOptional({ example: true })
  @IsOptional()
  @IsBoolean()
  allowFileSharing?: boolean;

  @ApiPropertyOptional({ example: false })
  @IsOptional()
  @IsBoolean()
  moderationEnabled?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: MAX_SLOW_MODE_S,
    example: 0,
    description: 'Least pause between two messages of one member, seconds.',
  })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_SLOW_MODE_S)
  slowModeSeconds?: number;

  @ApiPropertyOptional({ example: false, description: 'When the room is made, and never after.' })
  @IsOptional()
  @IsBoolean()
  encrypted?: boolean;
}

/** Either `otherUserId`, with `type` `direct` or none, or another `type` and `name`. */
export class OpenRoomDto {
  @ApiPropertyOptional({ example: USER_ID, description: 'Of a direct room: the account to talk to.' })
  @IsOptional()
  @IsOpaque(MAX_ID, 1)
  otherUserId?: string;

  @ApiPropertyOptional({ enum: WANTED_TYPES, description: '`direct`, if anything, with `otherUserId`.' })
  @IsOptional()
  @IsIn(WANTED_TYPES)
  type?: (typeof WANTED_TYPES)[number];

  @ApiPropertyOptional({ maxLength: MAX_NAME, example: 'Gardening', description: 'With `type`.' })
  @IsOptional()
  @IsText({ min: 1, max: MAX_NAME })
  name?: string;

  @ApiPropertyOptional({ maxLength: MAX_DESCRIPTION, example: 'Roses and such' })
  @IsOptional()
  @IsText({ max: MAX_DESCRIPTION })
  description?: string;

  @ApiPropertyOptional({ type: ChangedSettingsDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ChangedSettingsDto)
  settings?: ChangedSettingsDto;

  @ApiPropertyOptional({ type: [String], maxItems: MAX_INVITED, description: 'Users to invite.' })
  @IsOptional()
  @IsOpaqueList(MAX_INVITED, MAX_ID, 1)
  memberIds?: string[];
}

export class ConfigureRoomDto {
  @ApiPropertyOptional({ maxLength: MAX_NAME, example: 'Gardening', description: 'Not of direct rooms.' })
  @IsOptional()
  @IsText({ min: 1, max: MAX_NAME })
  name?: string;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    maxLength: MAX_DESCRIPTION,
    example: 'Roses and such',
    description: 'Empty or null takes it away.',
  })
  @IsNullable()
  @IsOptional()
  @IsText({ max: MAX_DESCRIPTION })
  description?: string | null;

  @ApiPropertyOptional({ type: ChangedSettingsDto })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ChangedSettingsDto)
  settings?: ChangedSettingsDto;
}

export class PageQueryDto {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE, example: 50 })
  @IsOptional()
  @IsIntString(1, MAX_PAGE)
  limit?: number;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before.', example: 'MTI.Zm9vYmFyYmF6cXV4' })
  @IsOptional()
  @IsOpaque(MAX_CURSOR_LENGTH)
  cursor?: string;

  get count(): number {
    return this.limit ?? DEFAULT_PAGE;
  }
}

export class PublicRoomsQueryDto extends PageQueryDto {
  @ApiPropertyOptional({ maxLength: MAX_QUERY, example: 'garden', description: 'A part of the name.' })
  @IsOptional()
  @IsText({ max: MAX_QUERY })
  q?: string;
}

export class InviteUserDto {
  @ApiProperty({ example: USER_ID })
  @IsOpaque(MAX_ID, 1)
  userId!: string;
}

export class SetRoleDto {
  @ApiProperty({ enum: ROOM_ROLES, example: 'moderator' })
  @IsIn(ROOM_ROLES)
  role!: RoomRole;
}

export class MuteUserDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: MAX_MINUTES, example: 10 })
  @IsDefined()
  @IsInt()
  @Min(1)
  @Max(MAX_MINUTES)
  minutes!: number;
}

export class ReportMessageDto {
  @ApiProperty({ minLength: 1, maxLength: MAX_REASON, example: 'Insults' })
  @IsText({ min: 1, max: MAX_REASON })
  reason!: string;
}

export class BanUserDto {
  @ApiPropertyOptional({ maxLength: MAX_REASON, example: 'Spam' })
  @IsOptional()
  @IsText({ max: MAX_REASON })
  reason?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_MINUTES,
    example: 60,
    description: 'Without it the ban holds until it is lifted.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_MINUTES)
  minutes?: number;
}
