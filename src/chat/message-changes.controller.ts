import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Param, Patch, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { LinkSigner } from '../attachments/link-signer';
import { AppError } from '../common/app-error';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { isEmoji } from '../common/validation/emoji';
import { EventLimits } from '../realtime/event-limits';
import { MessageAnswerDto, ReceiptsDto } from './dto/chat-answers.dto';
import { EditBodyDto } from './dto/chat-requests.dto';
import { MessageChangesService } from './message-changes.service';
import { MessagesService } from './messages.service';
import { messageView, receiptView } from './view';

/** Edits, deletions and reactions by REST: the same rules and limits as the events of the namespace `/`. */
@ApiTags('Chat')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/chat/rooms/:roomId/messages/:messageId')
export class MessageChangesController {
  constructor(
    private readonly changes: MessageChangesService,
    private readonly messages: MessagesService,
    private readonly limits: EventLimits,
    private readonly links: LinkSigner,
  ) {}

  @Patch()
  @ApiOperation({ summary: 'Give a message of your own another text, as `message:edit`' })
  @ApiOkResponse({ type: MessageAnswerDto })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async edit(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
    @Body() { content }: EditBodyDto,
  ): Promise<MessageAnswerDto> {
    await this.limits.takeFor(user.userId, 'other');
    const message = await this.changes.edit(user, { roomId, messageId }, content);
    return { message: messageView(message, user.userId, this.links) };
  }

  @Get('receipts')
  @ApiOperation({ summary: 'See who has a message of your own, and since when' })
  @ApiOkResponse({ type: ReceiptsDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async receipts(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
  ): Promise<ReceiptsDto> {
    const receipts = await this.messages.receipts(user, roomId, messageId);
    return { receipts: receipts.map(receiptView) };
  }

  @Delete()
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: "Delete a message of your own, as a moderator anyone's, as `message:delete`" })
  @ApiNoContentResponse({ description: 'Deleted; a tombstone stays until its deadline.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async delete(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.changes.delete(user, { roomId, messageId });
  }

  @Put('reactions/:emoji')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'React to a message with one emoji, as `message:react`' })
  @ApiParam({ name: 'emoji', example: '👍' })
  @ApiNoContentResponse({ description: 'It has the reaction.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError', 'CapacityError')
  async react(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
    @Param('emoji') emoji: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.changes.react(user, { roomId, messageId }, oneEmoji(emoji), 'added');
  }

  @Delete('reactions/:emoji')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Take a reaction back, as `message:unreact`' })
  @ApiParam({ name: 'emoji', example: '👍' })
  @ApiNoContentResponse({ description: 'It has not the reaction.' })
  @ApiErrors('ValidationError', 'AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async unreact(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
    @Param('emoji') emoji: string,
  ): Promise<void> {
    await this.limits.takeFor(user.userId, 'other');
    await this.changes.react(user, { roomId, messageId }, oneEmoji(emoji), 'removed');
  }
}

/** @throws AppError ValidationError */
function oneEmoji(text: string): string {
  if (!isEmoji(text)) {
    throw AppError.field('emoji', 'emoji must be one emoji');
  }
  return text;
}
