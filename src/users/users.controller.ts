import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Patch, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { PublicUserDto } from './dto/user.dto';
import {
  AvailableUsersDto,
  ListUsersQuery,
  MeDto,
  OnlineUsersDto,
  SearchUsersQuery,
  toMe,
  UpdateUserDto,
  UserPageDto,
  UserSearchDto,
  UserStatsDto,
} from './dto/users.dto';
import { ProfilesService } from './profiles.service';
import { UsersService } from './users.service';

const DEFAULT_PAGE = 200;

@ApiTags('Users')
@ApiBearerAuth()
@Controller('api/users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly profiles: ProfilesService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Lists all accounts but your own, page by page' })
  @ApiOkResponse({ type: UserPageDto })
  @ApiErrors('ValidationError', 'AuthenticationError')
  async list(@CurrentUser() user: Identity, @Query() query: ListUsersQuery): Promise<UserPageDto> {
    const page = await this.users.list(user.userId, query.limit ?? DEFAULT_PAGE, query.cursor);
    return { users: await this.profiles.toPublic(page.users), nextCursor: page.nextCursor };
  }

  @Get('search')
  @ApiOperation({ summary: 'Finds accounts by the beginning of a name, or by an exact e-mail address' })
  @ApiOkResponse({ type: UserSearchDto })
  @ApiErrors('ValidationError', 'AuthenticationError')
  async search(@CurrentUser() user: Identity, @Query() query: SearchUsersQuery): Promise<UserSearchDto> {
    const found = await this.users.search(user.userId, query.q ?? '');
    return { users: await this.profiles.toPublic(found) };
  }

  @Get('online')
  @ApiOperation({ summary: 'Who is online' })
  @ApiOkResponse({ type: OnlineUsersDto })
  @ApiErrors('AuthenticationError')
  async listOnline(): Promise<OnlineUsersDto> {
    const { users, count } = await this.profiles.listOnline();
    return { success: true, data: { onlineUsers: users, count } };
  }

  @Get('available')
  @ApiOperation({ summary: 'Who is online and free to match' })
  @ApiOkResponse({ type: AvailableUsersDto })
  @ApiErrors('AuthenticationError')
  async listAvailable(): Promise<AvailableUsersDto> {
    const { users, count } = await this.profiles.listOnline();
    return { success: true, data: { availableUsers: users, count } };
  }

  @Get('stats')
  @ApiOperation({ summary: 'How many users there are' })
  @ApiOkResponse({ type: UserStatsDto })
  @ApiErrors('AuthenticationError')
  async getStatistics(): Promise<UserStatsDto> {
    const statistics = await this.profiles.getStatistics();
    return { success: true, data: { stats: statistics, statistics } };
  }

  @Patch('me')
  @AccountOnly()
  @ApiOperation({ summary: 'Changes your own profile', description: 'What is left out stays as it is.' })
  @ApiOkResponse({ type: MeDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'ConflictError')
  async update(@CurrentUser() user: Identity, @Body() changes: UpdateUserDto): Promise<MeDto> {
    return toMe(await this.profiles.update(user.userId, changes));
  }

  @Delete('me')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Erases your account and all that it owns' })
  @ApiNoContentResponse({ description: 'Gone, and so are your tokens and sockets.' })
  @ApiErrors('AuthenticationError', 'CapacityError')
  erase(@CurrentUser() user: Identity): Promise<void> {
    return this.users.erase(user.userId);
  }

  @Get(':id')
  @ApiOperation({ summary: 'The public profile of a user' })
  @ApiParam({ name: 'id', example: '5f3c9a1be07d42c68a90b1f2' })
  @ApiOkResponse({ type: PublicUserDto })
  @ApiErrors('AuthenticationError', 'NotFoundError')
  get(@Param('id') id: string): Promise<PublicUserDto> {
    return this.profiles.getPublic(id);
  }
}
