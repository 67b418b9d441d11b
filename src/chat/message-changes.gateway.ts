import { MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { type Awaitable, chain } from '../common/awaitable';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { type Ack, ack } from '../realtime/ack';
import { Event, RealtimeGateway } from '../realtime/gateway.decorator';
import { EditMessageDto, MessageIdDto, ReactionTargetDto } from './dto/chat-requests.dto';
import { DELETE_GUIDE, EDIT_GUIDE, REACT_GUIDE } from './event-guides';
import { MessageChangesService } from './message-changes.service';

/** Edits, deletions and reactions in the namespace `/`. */
@RealtimeGateway({ namespace: '/' })
export class MessageChangesGateway {
  constructor(private readonly changes: MessageChangesService) {}

  @SubscribeMessage('message:edit')
  @Event({
    cost: 'other',
    summary: 'Gives a message of your own another text.',
    description: EDIT_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError', 'CapacityError'],
  })
  edit(@CurrentUser() user: Identity, @MessageBody() dto: EditMessageDto): Awaitable<Ack> {
    return ack(chain(this.changes.edit(user, dto, dto.content), () => undefined));
  }

  @SubscribeMessage('message:delete')
  @Event({
    cost: 'other',
    summary: 'Deletes a message of your own; a tombstone stays until its deadline.',
    description: DELETE_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError'],
  })
  delete(@CurrentUser() user: Identity, @MessageBody() dto: MessageIdDto): Awaitable<Ack> {
    return ack(this.changes.delete(user, dto));
  }

  @SubscribeMessage('message:react')
  @Event({
    cost: 'other',
    summary: 'Reacts to a message with one emoji.',
    description: REACT_GUIDE,
    errors: ['NotFoundError', 'CapacityError'],
  })
  react(@CurrentUser() user: Identity, @MessageBody() dto: ReactionTargetDto): Awaitable<Ack> {
    return ack(this.changes.react(user, dto, dto.emoji, 'added'));
  }

  @SubscribeMessage('message:unreact')
  @Event({ cost: 'other', summary: 'Takes a reaction of yours back.', errors: ['NotFoundError'] })
  unreact(@CurrentUser() user: Identity, @MessageBody() dto: ReactionTargetDto): Awaitable<Ack> {
    return ack(this.changes.react(user, dto, dto.emoji, 'removed'));
  }
}
