import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { LinkSigner } from '../attachments/link-signer';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import { AppError } from '../common/app-error';
import type { Identity } from '../common/identity';
import { AppConfig } from '../config/app-config';
import { EventLimits } from '../realtime/event-limits';
import { ChatStatsService } from './chat-stats.service';
import {
  ChatStatsDto,
  MessagePageDto,
  OnlineUserIdsDto,
  OpenedRoomDto,
  RevealAnswerDto,
  RoomAnswerDto,
  RoomListDto,
  SentMessageDto,
} from './dto/chat-answers.dto';
import { MessageBodyDto, MessagesQueryDto, ReadDto, RevealBodyDto } from './dto/chat-requests.dto';
import { CreatedRoomDto } from './dto/room-answers.dto';
import { ConfigureRoomDto, OpenRoomDto } from './dto/room-requests.dto';
import { isGroupRoomId } from './engine/room';
import { MembershipViews } from './membership-views';
import { MembershipsService, type NewRoom } from './memberships.service';
import { MessagesService } from './messages.service';
import { outgoingOf } from './outgoing';
import { RoomListService } from './room-list.service';
import { RoomsService } from './rooms.service';
import type { Message } from './engine/message';
import type { MessageDto } from './dto/message.dto';
import { messageView, revealedView, roomView } from './view';

/** Messages told when a room is opened. */
const OPENING_PAGE = 50;

/** Direct chat by REST: the same rules and limits as the events of the namespace `/`. */
@ApiTags('Chat')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/chat')
export class ChatController {
  constructor(
    private readonly rooms: RoomsService,
    private readonly memberships: MembershipsService,
    private readonly roomViews: MembershipViews,
    private readonly lists: RoomListService,
    private readonly messages: MessagesService,
    private readonly stats: ChatStatsService,
    private readonly limits: EventLimits,
    private readonly config: AppConfig,
    private readonly links: LinkSigner,
  ) {}

  @Post('rooms')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Open the direct room with another account, or get the one that stands; or make a room for more',
    description: '`otherUserId` opens a direct room (200), another `type` and `name` make another one (201).',
  })
  @ApiOkResponse({ type: OpenedRoomDto })
  @ApiCreatedResponse({ type: CreatedRoomDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async open(
    @CurrentUser() user: Identity,
    @Body() dto: OpenRoomDto,
    @Res({ passthrough: true }) response: Response,
  ): Promise<OpenedRoomDto | CreatedRoomDto> {
    const wanted = wantedRoom(dto);
    await this.limits.takeFor(user.userId, 'create');
    if (typeof wanted !== 'string') {
      response.status(HttpStatus.CREATED);
      const { room } = await this.roomViews.answer(await this.memberships.create(user, wanted));
      return { success: true, roomId: room.id, room };
    }
    const room = await this.rooms.openDirect(user, wanted);
    const { messages } = await this.messages.page(user, room.id, undefined, OPENING_PAGE);
    return { success: true, roomId: room.id, room: roomView(room), messages: this.views(user, messages) };
  }

  @Get('rooms')
  @ApiOperation({ summary: 'List your rooms, newest activity first' })
  @ApiOkResponse({ type: RoomListDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  async list(@CurrentUser() user: Identity): Promise<RoomListDto> {
    return { rooms: await this.lists.list(user) };
  }

  @Get('rooms/:roomId/messages')
  @ApiOperation({ summary: 'Read the messages of a room, the newest first page by page' })
  @ApiOkResponse({ type: MessagePageDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async page(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Query() query: MessagesQueryDto,
  ): Promise<MessagePageDto> {
    const { messages, more } = await this.messages.page(user, roomId, query.before, query.count);
    return { messages: this.views(user, messages), hasMore: more };
  }

  @Post('rooms/:roomId/messages')
  @ApiOperation({ summary: 'Send a message, as `message:send`' })
  @ApiCreatedResponse({ type: SentMessageDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async send(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Body() dto: MessageBodyDto,
  ): Promise<SentMessageDto> {
    const outgoing = outgoingOf(roomId, dto, this.config.env.MAX_MESSAGE_LENGTH);
    await this.limits.takeFor(user.userId, 'create');
    const { message } = await this.messages.send(user, outgoing);
    return { success: true, message: messageView(message, user.userId, this.links) };
  }

  @Post('rooms/:roomId/messages/:messageId/reveal')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Get the content of a message that burns after reading, once, as `message:reveal`' })
  @ApiOkResponse({ type: RevealAnswerDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'ConflictError')
  async reveal(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
    @Body() { revealId }: RevealBodyDto,
  ): Promise<RevealAnswerDto> {
    await this.limits.takeFor(user.userId, 'other');
    const revealed = await this.messages.reveal(user, roomId, messageId, revealId);
    return { success: true, ...revealedView(revealed, this.links) };
  }

  @Post('rooms/:roomId/read')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Raise the status of all messages up to a seq' })
  @ApiNoContentResponse({ description: 'Raised, or nothing could rise.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async read(@CurrentUser() user: Identity, @Param('roomId') roomId: string, @Body() dto: ReadDto): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.messages.raise(user, roomId, dto.status ?? 'seen', { upToSeq: dto.upToSeq });
  }

  @Patch('rooms/:roomId')
  @ApiOperation({
    summary: 'Change a room',
    description: 'Of a direct room either side may set `messageTtl`; of others admins may change everything.',
  })
  @ApiOkResponse({ type: RoomAnswerDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async configure(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Body() dto: ConfigureRoomDto,
  ): Promise<RoomAnswerDto> {
    await this.limits.takeFor(user.userId, 'create');
    if (isGroupRoomId(roomId)) {
      return this.roomViews.answer(await this.memberships.configure(user, roomId, dto));
    }
    const messageTtl = directTtl(dto);
    return { room: roomView(await this.rooms.configure(user, roomId, messageTtl === undefined ? {} : { messageTtl })) };
  }

  @Delete('rooms/:roomId')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Wipe a direct room for both, or end another one (admins)' })
  @ApiNoContentResponse({ description: 'Wiped, with everything in it.' })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async close(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<void> {
    await (isGroupRoomId(roomId) ? this.memberships.close(user, roomId) : this.rooms.close(user, roomId));
  }

  @Get('stats')
  @ApiOperation({ summary: 'Count chats, users online and messages' })
  @ApiOkResponse({ type: ChatStatsDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  count(): Promise<ChatStatsDto> {
    return this.stats.totals();
  }

  @Get('online-users')
  @ApiOperation({ summary: 'List who is online' })
  @ApiOkResponse({ type: OnlineUserIdsDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError')
  async onlineUsers(): Promise<OnlineUserIdsDto> {
    return { onlineUserIds: await this.stats.onlineUserIds() };
  }

  private views({ userId }: Identity, messages: readonly Message[]): MessageDto[] {
    return messages.map((message) => messageView(message, userId, this.links));
  }
}

/** The other user of a direct room, or what another room is to be. @throws AppError ValidationError */
function wantedRoom(dto: OpenRoomDto): string | NewRoom {
  const { otherUserId, type, name, description, settings = {}, memberIds = [] } = dto;
  if (type === undefined || type === 'direct') {
    if (otherUserId === undefined) {
      throw AppError.field('otherUserId', 'Name the other user by `otherUserId`, or a room by `type` and `name`');
    }
    return otherUserId;
  }
  if (otherUserId !== undefined) {
    throw AppError.field('type', 'A room with `otherUserId` is a direct one');
  }
  if (name === undefined) {
    throw AppError.field('name', 'A room with a `type` needs a `name`');
  }
  return { type, name, description, settings: { ...settings }, memberIds };
}

/** @throws AppError ValidationError where there is nothing that a direct room has */
function directTtl({ settings }: ConfigureRoomDto): number | null | undefined {
  if (!settings) {
    throw AppError.field('settings', 'Of a direct room only settings can be changed');
  }
  return settings.messageTtl;
}
