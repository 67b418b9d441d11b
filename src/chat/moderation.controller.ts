import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { EventLimits } from '../realtime/event-limits';
import { BansDto } from './dto/room-answers.dto';
import { BanUserDto, MuteUserDto, SetRoleDto } from './dto/room-requests.dto';
import { banView } from './membership-views';
import { ModerationService } from './moderation.service';

/** What moderators and admins do with members. A moderator may not act on an admin. */
@ApiTags('Rooms')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/chat/rooms/:roomId')
export class ModerationController {
  constructor(
    private readonly moderation: ModerationService,
    private readonly limits: EventLimits,
  ) {}

  @Put('members/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Give a member another role (admins)' })
  @ApiNoContentResponse({ description: 'They have the role.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'ConflictError')
  async setRole(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
    @Body() dto: SetRoleDto,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.setRole(user, roomId, userId, dto.role);
  }

  @Delete('members/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Kick a member (moderators): they may join again' })
  @ApiNoContentResponse({ description: 'Their sockets are out, everywhere.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async kick(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.kick(user, roomId, userId);
  }

  @Get('bans')
  @ApiOperation({ summary: 'List the bans that hold (moderators)' })
  @ApiOkResponse({ type: BansDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async listBans(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<BansDto> {
    return { bans: (await this.moderation.listBans(user, roomId)).map(banView) };
  }

  @Put('bans/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Keep an account out (moderators), for so many minutes or until it is lifted' })
  @ApiNoContentResponse({ description: 'They can neither read nor join.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async ban(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
    @Body() dto: BanUserDto,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.ban(user, roomId, userId, dto.reason, dto.minutes);
  }

  @Delete('bans/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Lift a ban (moderators)' })
  @ApiNoContentResponse({ description: 'Lifted, or there was none.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async unban(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.unban(user, roomId, userId);
  }

  @Put('mutes/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Let a member read and not send (moderators)' })
  @ApiNoContentResponse({ description: 'They cannot send for so many minutes.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async mute(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
    @Body() dto: MuteUserDto,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.mute(user, roomId, userId, dto.minutes);
  }

  @Delete('mutes/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Lift a mute (moderators)' })
  @ApiNoContentResponse({ description: 'Lifted, or there was none.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async unmute(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.moderation.unmute(user, roomId, userId);
  }
}
