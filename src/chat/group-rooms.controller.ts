import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { EventLimits } from '../realtime/event-limits';
import { RoomAnswerDto } from './dto/chat-answers.dto';
import { DoneDto, MemberPageDto, PublicRoomsDto, RoomInvitesDto } from './dto/room-answers.dto';
import { InviteUserDto, PageQueryDto, PublicRoomsQueryDto } from './dto/room-requests.dto';
import { MembershipViews } from './membership-views';
import { MembershipsService } from './memberships.service';
import { RoomsService } from './rooms.service';
import { roomView } from './view';

/** Coming into rooms and going: public rooms, members, invites. */
@ApiTags('Rooms')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/chat')
export class GroupRoomsController {
  constructor(
    private readonly rooms: RoomsService,
    private readonly memberships: MembershipsService,
    private readonly views: MembershipViews,
    private readonly limits: EventLimits,
  ) {}

  @Get('rooms/public')
  @ApiOperation({ summary: 'List public rooms, newest activity first' })
  @ApiOkResponse({ type: PublicRoomsDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError')
  async listPublic(@Query() query: PublicRoomsQueryDto): Promise<PublicRoomsDto> {
    const { items, nextCursor } = await this.memberships.listPublic(query.q ?? '', query.count, query.cursor);
    return { rooms: items.map((room) => roomView(room)), nextCursor };
  }

  @Get('rooms/:roomId')
  @ApiOperation({ summary: 'Get a room with its first 200 members' })
  @ApiOkResponse({ type: RoomAnswerDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async get(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<RoomAnswerDto> {
    return this.views.answer(await this.rooms.get(user, roomId));
  }

  @Get('rooms/:roomId/members')
  @ApiOperation({ summary: 'List the members of a room, longest-standing first' })
  @ApiOkResponse({ type: MemberPageDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async listMembers(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Query() query: PageQueryDto,
  ): Promise<MemberPageDto> {
    const { items, nextCursor } = await this.memberships.listMembers(user, roomId, query.count, query.cursor);
    return { members: await this.views.members(items), nextCursor };
  }

  @Post('rooms/:roomId/join')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Become a member of a public room, or of one that you are invited into' })
  @ApiOkResponse({ type: RoomAnswerDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async join(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<RoomAnswerDto> {
    await this.limits.takeFor(user.userId, 'create');
    return this.views.answer(await this.memberships.join(user, roomId));
  }

  @Post('rooms/:roomId/leave')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Be a member no more; the last one takes the room along' })
  @ApiNoContentResponse({ description: 'Left.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async leave(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<void> {
    await this.limits.takeFor(user.userId, 'create');
    await this.memberships.leave(user, roomId);
  }

  @Post('rooms/:roomId/invites')
  @ApiOperation({ summary: 'Invite an account (moderators)' })
  @ApiCreatedResponse({ type: DoneDto })
  @ApiErrors(
    'ValidationError',
    'AuthenticationError',
    'AuthorizationError',
    'NotFoundError',
    'ConflictError',
    'CapacityError',
  )
  async invite(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Body() dto: InviteUserDto,
  ): Promise<DoneDto> {
    await this.limits.takeFor(user.userId, 'create');
    await this.memberships.invite(user, roomId, dto.userId);
    return { success: true };
  }

  @Delete('rooms/:roomId/invites/:userId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Take an invite back (moderators)' })
  @ApiNoContentResponse({ description: 'Taken back, or there was none.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async uninvite(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('userId') userId: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.memberships.uninvite(user, roomId, userId);
  }

  @Get('invites')
  @ApiOperation({ summary: 'List your invites, newest first' })
  @ApiOkResponse({ type: RoomInvitesDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  async listInvites(@CurrentUser() user: Identity): Promise<RoomInvitesDto> {
    return { invites: await this.views.invites(await this.memberships.listInvites(user)) };
  }

  @Post('invites/:roomId/decline')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Decline an invite' })
  @ApiNoContentResponse({ description: 'Declined, or there was none.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  async decline(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.memberships.decline(user, roomId);
  }
}
