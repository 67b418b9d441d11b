import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { RoomType } from '../engine/room';
import { ROOM_ID_EXAMPLE } from './message.dto';

export const GROUP_ID_EXAMPLE = 'room_0f9a8b7c6d5e4f3a2b1c0d9e';
const USER_ID = '5f2c1a9be07d4c3388a1f0e2';

export class RoomSettingsDto {
  @ApiProperty({ example: 2 })
  maxMembers!: number;
  @ApiProperty({
    type: Number,
    nullable: true,
    example: 3600,
    description: 'Default lifetime of later messages, seconds; null keeps them.',
  })
  messageTtl!: number | null;
  @ApiProperty({ example: true })
  allowFileSharing!: boolean;
  @ApiProperty({ example: false })
  moderationEnabled!: boolean;
  @ApiProperty({ example: 0 })
  slowModeSeconds!: number;
  @ApiProperty({ example: false })
  encrypted!: boolean;
}

export class MemberDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
  @ApiProperty({ enum: ['member', 'moderator', 'admin'], example: 'member' })
  role!: string;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  joinedAt!: string;
}

export class RoomDto {
  @ApiProperty({ example: ROOM_ID_EXAMPLE })
  id!: string;
  @ApiProperty({ enum: ['direct', 'public', 'private'], example: 'direct' })
  type!: RoomType;
  @ApiProperty({ type: String, nullable: true, example: null })
  name!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null })
  description!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null })
  creatorId!: string | null;
  @ApiProperty({ example: 2 })
  memberCount!: number;
  @ApiProperty({ type: RoomSettingsDto })
  settings!: RoomSettingsDto;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  lastActivity!: string;
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  createdAt!: string;
  @ApiPropertyOptional({
    type: [MemberDto],
    description: 'The first 200 members.',
    example: [{ userId: USER_ID, username: 'alice', role: 'member', joinedAt: '2030-01-01T12:00:00.000Z' }],
  })
  members?: MemberDto[];
}
