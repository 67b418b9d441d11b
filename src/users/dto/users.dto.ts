import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { MAX_CURSOR_LENGTH } from '../../common/http/cursors';
import { IsIntString, IsOpaque, IsText } from '../../common/validation/decorators';
import { IsUsername, MAX_EMAIL_LENGTH } from './fields';
import { OwnUserDto, PublicUserDto } from './user.dto';

const MAX_PAGE = 200;

export class ListUsersQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_PAGE, default: MAX_PAGE, example: 50 })
  @IsOptional()
  @IsIntString(1, MAX_PAGE)
  limit?: number;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before.', example: 'MTI.Zm9vYmFyYmF6cXV4' })
  @IsOptional()
  @IsOpaque(MAX_CURSOR_LENGTH)
  cursor?: string;
}

export class UserPageDto {
  @ApiProperty({ type: [PublicUserDto], description: 'In the order of their registration.' })
  users: PublicUserDto[];

  @ApiProperty({ type: String, nullable: true, example: null, description: 'For the next page; null at the end.' })
  nextCursor: string | null;
}

export class SearchUsersQuery {
  @ApiPropertyOptional({
    maxLength: MAX_EMAIL_LENGTH,
    example: 'ali',
    description: 'Two or more characters of the beginning of a name or of a part of it; or a whole e-mail address.',
  })
  @IsOptional()
  @IsText({ max: MAX_EMAIL_LENGTH })
  q?: string;
}

export class UserSearchDto {
  @ApiProperty({ type: [PublicUserDto], description: 'At most 50.' })
  users: PublicUserDto[];
}

export class UpdateUserDto {
  @ApiPropertyOptional({ minLength: 3, maxLength: 30, pattern: '^[A-Za-z0-9_.-]+$', example: 'alice' })
  @IsOptional()
  @IsUsername()
  username?: string;

  @ApiPropertyOptional({ maxLength: 50, example: 'Alice Liddell', description: 'Empty takes it away.' })
  @IsOptional()
  @IsText({ max: 50 })
  displayName?: string;

  @ApiPropertyOptional({ maxLength: 500, example: 'Down the rabbit hole.', description: 'Empty takes it away.' })
  @IsOptional()
  @IsText({ max: 500 })
  bio?: string;

  @ApiPropertyOptional({ maxLength: 100, example: 'At lunch', description: 'Empty takes it away.' })
  @IsOptional()
  @IsText({ max: 100 })
  status?: string;
}

class OwnUserDataDto {
  @ApiProperty({ type: OwnUserDto })
  user: OwnUserDto;
}

/** One's own profile, for every family of clients: flat, under `user` and under `data`. */
export class MeDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ example: '5f3c9a1be07d42c68a90b1f2' })
  id: string;

  @ApiProperty({ example: 'alice' })
  username: string;

  @ApiPropertyOptional({ example: 'alice@example.com', description: 'Accounts only.' })
  email?: string;

  @ApiProperty({ type: OwnUserDto })
  user: OwnUserDto;

  @ApiProperty({ type: OwnUserDataDto })
  data: OwnUserDataDto;
}

export function toMe(user: OwnUserDto): MeDto {
  const { id, username, email } = user;
  return { success: true, id, username, email, user, data: { user } };
}

class OnlineUsersDataDto {
  @ApiProperty({ type: [PublicUserDto], description: 'At most 200.' })
  onlineUsers: PublicUserDto[];

  @ApiProperty({ type: 'integer', example: 12, description: 'All who are online.' })
  count: number;
}

export class OnlineUsersDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ type: OnlineUsersDataDto })
  data: OnlineUsersDataDto;
}

class AvailableUsersDataDto {
  @ApiProperty({ type: [PublicUserDto], description: 'At most 200.' })
  availableUsers: PublicUserDto[];

  @ApiProperty({ type: 'integer', example: 7, description: 'All who are online and free to match.' })
  count: number;
}

export class AvailableUsersDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ type: AvailableUsersDataDto })
  data: AvailableUsersDataDto;
}

export class UserStatisticsDto {
  @ApiProperty({ type: 'integer', example: 250, description: 'Accounts and guests.' })
  totalUsers: number;

  @ApiProperty({ type: 'integer', example: 12 })
  onlineUsers: number;

  @ApiProperty({ type: 'integer', example: 7, description: 'Online and free to match.' })
  availableUsers: number;

  @ApiProperty({ type: 'integer', example: 15, description: 'Sockets: a user may have several.' })
  connectedUsers: number;
}

class UserStatsDataDto {
  @ApiProperty({ type: UserStatisticsDto })
  stats: UserStatisticsDto;

  @ApiProperty({ type: UserStatisticsDto, description: '`stats` again, for other clients.' })
  statistics: UserStatisticsDto;
}

export class UserStatsDto {
  @ApiProperty({ example: true })
  success: true;

  @ApiProperty({ type: UserStatsDataDto })
  data: UserStatsDataDto;
}
