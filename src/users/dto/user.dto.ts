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

  @ApiPropertyOptional({
    example:
      'https://chat.example.com/api/images/5f3c9a1be07d42c68a90b1f2.webp?exp=1893456000000&sig=avatar_5f3c9a1be07d42c68a90b1f2.Zm9vYmFy',
    description: 'Absolute and signed, for at most 24 hours.',
  })
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

/** What is not in the record of a user. */
export interface Shown {
  readonly isOnline: boolean;
  readonly avatarUrl: string | undefined;
}

/** What others are told: no address, no role. */
export function toPublicUser(user: UserRecord, { isOnline, avatarUrl }: Shown): PublicUserDto {
  const { id, username, displayName, bio, status, lastSeen, kind } = user;
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
export function toOwnUser(user: UserRecord, shown: Shown): OwnUserDto {
  const { email, createdAt, role } = user;
  return { ...toPublicUser(user, shown), email, createdAt: isoTime(createdAt), role };
}
