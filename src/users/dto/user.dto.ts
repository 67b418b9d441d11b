import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isoTime } from '../../common/clock';
import type { Role } from '../../common/identity';
import type { UserRecord } from '../user-store';

/** What anybody may know of a user. */
export class PublicUserDto {
  @ApiProperty({ example: '5f3c9a1be07d42c68a90b1f2' })
  id: string;

  @ApiProperty({ example: 'alice' })
  username: string;

  @ApiPropertyOptional({ example: 'Alice Liddell' })
  displayName?: string;

  @ApiPropertyOptional({ example: 'https://chat.example.com/api/users/5f3c9a1be07d42c68a90b1f2/avatar' })
  avatarUrl?: string;

  @ApiPropertyOptional({ example: 'Down the rabbit hole.' })
  bio?: string;

  @ApiPropertyOptional({ example: 'At lunch' })
  status?: string;

  @ApiProperty({ example: true })
  isOnline: boolean;

  @ApiProperty({ example: '2030-01-01T12:00:00.000Z', description: 'When the last socket left.' })
  lastSeen: string;

  @ApiProperty({ example: false })
  isGuest: boolean;
}

/** What a user is told about themselves. */
export class OwnUserDto extends PublicUserDto {
  @ApiPropertyOptional({ example: 'alice@example.com', description: 'Accounts only.' })
  email?: string;

  @ApiProperty({ example: '2030-01-01T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ enum: ['user', 'admin'], example: 'user' })
  role: Role;
}

/** What others are told: no address, no role. */
export function toPublicUser(user: UserRecord, isOnline: boolean): PublicUserDto {
  const { id, username, displayName, avatarUrl, bio, status, lastSeen, kind } = user;
  return {
    id,
    username,
    displayName,
    avatarUrl,
    bio,
    status,
    isOnline,
    lastSeen: isoTime(lastSeen),
    isGuest: kind === 'guest',
  };
}

/** What the user is told. */
export function toOwnUser(user: UserRecord, isOnline: boolean): OwnUserDto {
  const { email, createdAt, role } = user;
  return { ...toPublicUser(user, isOnline), email, createdAt: isoTime(createdAt), role };
}
