import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { PublicUserDto } from '../../users/dto/user.dto';
import { GROUP_ID_EXAMPLE, MemberDto, RoomDto } from './room.dto';

const TIME = '2030-01-01T12:00:00.000Z';
const USER_ID = '9a7b3c21d4e5f60718293a4b';
const NEXT_CURSOR = { type: String, nullable: true, example: null, description: 'For the next page; null at the end.' };

export class CreatedRoomDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ example: GROUP_ID_EXAMPLE })
  roomId!: string;
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
}

export class PublicRoomsDto {
  @ApiProperty({ type: [RoomDto], description: 'Newest activity first.' })
  rooms!: RoomDto[];
  @ApiProperty(NEXT_CURSOR)
  nextCursor!: string | null;
}

export class PresentMemberDto extends MemberDto {
  @ApiPropertyOptional({ example: 'https://chat.example.com/api/users/9a7b3c21d4e5f60718293a4b/avatar' })
  avatarUrl?: string;
  @ApiProperty({ example: true })
  isOnline!: boolean;
  @ApiProperty({ example: TIME })
  lastSeen!: string;
}

export class MemberPageDto {
  @ApiProperty({ type: [PresentMemberDto], description: 'Longest-standing first.' })
  members!: PresentMemberDto[];
  @ApiProperty(NEXT_CURSOR)
  nextCursor!: string | null;
}

export class DoneDto {
  @ApiProperty({ example: true })
  success!: boolean;
}

export class RoomInviteDto {
  @ApiProperty({ type: RoomDto })
  room!: RoomDto;
  @ApiProperty({ type: PublicUserDto })
  from!: PublicUserDto;
  @ApiProperty({ example: TIME })
  createdAt!: string;
}

export class RoomInvitesDto {
  @ApiProperty({ type: [RoomInviteDto], description: 'Newest first.' })
  invites!: RoomInviteDto[];
}

export class BanDto {
  @ApiProperty({ example: USER_ID })
  userId!: string;
  @ApiProperty({ example: 'mallory' })
  username!: string;
  @ApiPropertyOptional({ example: 'Spam' })
  reason?: string;
  @ApiProperty({ example: '5f2c1a9be07d4c3388a1f0e2', description: 'Who banned.' })
  bannedBy!: string;
  @ApiProperty({ example: TIME })
  createdAt!: string;
  @ApiProperty({ type: String, nullable: true, example: null, description: 'Null: until it is lifted.' })
  until!: string | null;
}

export class BansDto {
  @ApiProperty({ type: [BanDto] })
  bans!: BanDto[];
}
