import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Post,
  Put,
  Query,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import { Public } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { AdminAction } from './admin-request';
import { AdminGuard } from './admin.guard';
import { AdminService } from './admin.service';
import { AuditInterceptor } from './audit.interceptor';
import {
  AccountAnswerDto,
  AccountPageDto,
  ChangeAccountDto,
  CreateAccountDto,
  ErasedDto,
  ListAccountsQuery,
  MAX_ADMIN_PAGE,
  OverviewDto,
} from './dto/admin.dto';

const ID = { name: 'id', example: '5f3c9a1be07d42c68a90b1f2' };

/** For operators. There only where `ADMIN_TOKEN` is set; the guard, not the token check of all routes, says who may. */
@ApiTags('Admin')
@ApiSecurity('admin')
@ApiBearerAuth()
@Public()
@UseGuards(AdminGuard)
@UseInterceptors(AuditInterceptor)
@Controller('api/admin')
export class AdminController {
  constructor(private readonly admin: AdminService) {}

  @Get('users')
  @AdminAction('users.list')
  @ApiOperation({ summary: 'Lists all accounts', description: 'Up to 1000 of them; `nextCursor` leads to the others.' })
  @ApiOkResponse({ type: AccountPageDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError')
  list(@Query() { limit, cursor }: ListAccountsQuery): Promise<AccountPageDto> {
    return this.admin.list(limit ?? MAX_ADMIN_PAGE, cursor);
  }

  @Post('users')
  @AdminAction('users.create')
  @ApiOperation({ summary: 'Makes an account' })
  @ApiCreatedResponse({ type: AccountAnswerDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'ConflictError', 'CapacityError')
  async create(@Body() account: CreateAccountDto): Promise<AccountAnswerDto> {
    return { user: await this.admin.create(account) };
  }

  @Put('users/:id')
  @AdminAction('users.change')
  @ApiOperation({
    summary: 'Changes an account',
    description: 'What is left out stays as it is. A password ends all tokens of the account.',
  })
  @ApiParam(ID)
  @ApiOkResponse({ type: AccountAnswerDto })
  @ApiErrors(
    'ValidationError',
    'AuthenticationError',
    'AuthorizationError',
    'NotFoundError',
    'ConflictError',
    'CapacityError',
  )
  async change(@Param('id') id: string, @Body() changes: ChangeAccountDto): Promise<AccountAnswerDto> {
    return { user: await this.admin.change(id, changes) };
  }

  @Delete('users/:id')
  @AdminAction('users.erase')
  @ApiOperation({ summary: 'Erases a user and all that they own' })
  @ApiParam(ID)
  @ApiOkResponse({ type: ErasedDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async erase(@Param('id') id: string): Promise<ErasedDto> {
    await this.admin.erase(id);
    return { success: true };
  }

  @Post('users/:id/revoke')
  @AdminAction('users.revoke')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Ends all tokens of a user, and so their sockets' })
  @ApiParam(ID)
  @ApiNoContentResponse({ description: 'The tokens are good for nothing any more.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  revoke(@Param('id') id: string): Promise<void> {
    return this.admin.revoke(id);
  }

  @Get('overview')
  @AdminAction('overview')
  @ApiOperation({ summary: 'Counts, memory, overdue items and nodes' })
  @ApiOkResponse({ type: OverviewDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  overview(): Promise<OverviewDto> {
    return this.admin.overview();
  }
}
