import { ApiProperty, ApiPropertyOptional, PartialType } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { RegisterDto } from '../../auth/dto/auth.dto';
import { isoTime } from '../../common/clock';
import { MAX_CURSOR_LENGTH } from '../../common/http/cursors';
import type { Role } from '../../common/identity';
import { IsIntString, IsOpaque } from '../../common/validation/decorators';
import type { UserRecord } from '../../users/user-store';

/** Accounts in one answer; of all that there may be, one answer would hold everybody else up. */
export const MAX_ADMIN_PAGE = 1000;
const ROLES: readonly Role[] = ['user', 'admin'];

export class ListAccountsQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MAX_ADMIN_PAGE, default: MAX_ADMIN_PAGE, example: 200 })
  @IsOptional()
  @IsIntString(1, MAX_ADMIN_PAGE)
  limit?: number;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before.', example: 'MTI.Zm9vYmFyYmF6cXV4' })
  @IsOptional()
  @IsOpaque(MAX_CURSOR_LENGTH)
  cursor?: string;
}

export class CreateAccountDto extends RegisterDto {
  @ApiPropertyOptional({ enum: ROLES, default: 'user', example: 'user' })
  @IsOptional()
  @IsIn(ROLES)
  role?: Role;
}

/** What is left out stays as it is. */
export class ChangeAccountDto extends PartialType(CreateAccountDto) {}

export class AccountDto {
  @ApiProperty({ example: '5f3c9a1be07d42c68a90b1f2' })
  id: string;

  @ApiProperty({ example: 'carol' })
  username: string;

  @ApiProperty({ example: 'carol@example.com' })
  email: string;

  @ApiProperty({ enum: ROLES, example: 'user' })
  role: Role;

  @ApiProperty({ example: '2030-01-01T09:00:00.000Z' })
  createdAt: string;

  @ApiProperty({ example: true })
  isOnline: boolean;
}

export class AccountPageDto {
  @ApiProperty({ type: [AccountDto], description: 'In the order of their registration.' })
  users: AccountDto[];

  @ApiProperty({ type: String, nullable: true, example: null, description: 'For the next page; null at the end.' })
  nextCursor: string | null;
}

export class AccountAnswerDto {
  @ApiProperty({ type: AccountDto })
  user: AccountDto;
}

export class ErasedDto {
  @ApiProperty({ example: true })
  success: true;
}

export class CountsDto {
  @ApiProperty({ type: 'integer', example: 250 })
  accounts: number;

  @ApiProperty({ type: 'integer', example: 12 })
  guests: number;

  @ApiProperty({ type: 'integer', example: 40 })
  onlineUsers: number;

  @ApiProperty({ type: 'integer', example: 52 })
  sockets: number;

  @ApiProperty({ type: 'integer', example: 31, description: 'Rooms that stand.' })
  rooms: number;

  @ApiProperty({ type: 'integer', example: 340, description: 'Live messages.' })
  messages: number;
}

export class MemoryDto {
  @ApiProperty({
    type: 'integer',
    example: 146_800_640,
    description: 'Resident memory of the node that answers, bytes.',
  })
  rss: number;

  @ApiProperty({ type: 'integer', example: 52_428_800, description: 'JavaScript heap in use there, bytes.' })
  heapUsed: number;

  @ApiProperty({ type: 'integer', example: 8_388_608, description: 'Memory outside the heap there, bytes.' })
  external: number;

  @ApiPropertyOptional({ type: 'integer', example: 1_048_576, description: 'Records of all messages, bytes.' })
  messages?: number;
}

export class OverviewDto {
  @ApiProperty({ type: CountsDto })
  counts: CountsDto;

  @ApiProperty({ type: MemoryDto })
  memory: MemoryDto;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Items whose deadline has come and that are not freed yet.',
  })
  overdueItems: number;

  @ApiProperty({ type: 'integer', example: 1 })
  nodes: number;

  @ApiProperty({ type: 'integer', example: 86_400, description: 'Seconds since the start of the node that answers.' })
  uptime: number;
}

/** What operators are told of an account. */
export function toAccount({ id, username, email = '', role, createdAt }: UserRecord, isOnline: boolean): AccountDto {
  return { id, username, email, role, createdAt: isoTime(createdAt), isOnline };
}
