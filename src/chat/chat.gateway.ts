import { ConnectedSocket, MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { LinkSigner } from '../attachments/link-signer';
import { AppError } from '../common/app-error';
import { type Awaitable, chain } from '../common/awaitable';
import { Clock } from '../common/clock';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { AppConfig } from '../config/app-config';
import { type Ack, ack } from '../realtime/ack';
import { Event, RealtimeGateway } from '../realtime/gateway.decorator';
import type { MayflySocket } from '../realtime/socket-session';
import { JoinedDto, JoinedRoomsDto, RevealedDto, SentDto } from './dto/chat-answers.dto';
import {
  JoinRoomDto,
  MessageStatusDto,
  ReadRoomDto,
  RevealMessageDto,
  RoomIdDto,
  SendMessageDto,
} from './dto/chat-requests.dto';
import { JOIN_EXAMPLES, STATUS_EXAMPLES } from './dto/examples';
import type { ReceiptRange } from './engine/room-feed';
import { JOIN_GUIDE, LEAVE_GUIDE, REVEAL_GUIDE, SEND_GUIDE, STATUS_GUIDE, TYPING_GUIDE } from './event-guides';
import { MessagesService } from './messages.service';
import { outgoingOf } from './outgoing';
import { RoomEntry } from './room-entry';
import { sentAck } from './sent-ack';
import { TypingService } from './typing.service';
import { joinedRoomView, revealedView } from './view';

/** Direct chat in the namespace `/`. */
@RealtimeGateway({ namespace: '/' })
export class ChatGateway {
  constructor(
    private readonly messages: MessagesService,
    private readonly entry: RoomEntry,
    private readonly typing: TypingService,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly links: LinkSigner,
  ) {}

  @SubscribeMessage('room:join')
  @Event({
    cost: 'other',
    summary: 'Joins a room, opened if need be, and tells what is in it.',
    description: JOIN_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError', 'ConflictError', 'CapacityError'],
    ack: JoinedDto,
    examples: JOIN_EXAMPLES,
  })
  join(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: JoinRoomDto): Awaitable<Ack<JoinedDto>> {
    return ack(this.entry.join(socket, dto));
  }

  @SubscribeMessage('rooms:join')
  @Event({
    cost: 'other',
    summary: 'Joins all rooms of the caller, and tells nothing of what is in them.',
    errors: ['AuthorizationError', 'ConflictError', 'CapacityError'],
    ack: JoinedRoomsDto,
  })
  joinAll(@ConnectedSocket() socket: MayflySocket): Awaitable<Ack<JoinedRoomsDto>> {
    return ack(chain(this.entry.joinAll(socket), (rooms) => ({ rooms: rooms.map(joinedRoomView) })));
  }

  @SubscribeMessage('room:leave')
  @Event({
    cost: 'other',
    summary: 'Leaves a room: this socket hears it no more until it joins or sends again.',
    description: LEAVE_GUIDE,
  })
  leave(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: RoomIdDto): Awaitable<Ack> {
    return ack(this.entry.leave(socket, dto.roomId));
  }

  @SubscribeMessage('message:send')
  @Event({
    cost: 'create',
    summary: 'Sends a message; opens the direct room if need be.',
    description: SEND_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError', 'ConflictError', 'CapacityError'],
    ack: SentDto,
  })
  send(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: SendMessageDto): Awaitable<Ack<SentDto>> {
    const outgoing = outgoingOf(dto.roomId, dto, this.config.env.MAX_MESSAGE_LENGTH);
    const { identity } = socket.data;
    const sent = this.entry.hears(socket, dto.roomId)
      ? this.messages.send(identity, outgoing)
      : this.entry.listen(socket, dto.roomId).then(() => this.messages.send(identity, outgoing));
    return chain(sent, (appended) => sentAck(appended, this.clock.now()));
  }

  @SubscribeMessage('message:reveal')
  @Event({
    cost: 'other',
    summary: 'Hands out the content of a message that burns after reading, once.',
    description: REVEAL_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError', 'ConflictError'],
    ack: RevealedDto,
  })
  reveal(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: RevealMessageDto): Awaitable<Ack<RevealedDto>> {
    const { roomId, messageId, revealId } = dto;
    const revealed = this.messages.reveal(socket.data.identity, roomId, messageId, revealId, socket.id);
    return ack(chain(revealed, (answer) => revealedView(answer, this.links)));
  }

  @SubscribeMessage('message:status')
  @Event({
    cost: 'other',
    summary: 'Raises the status of one message, or of all up to a seq, that others sent.',
    description: STATUS_GUIDE,
    errors: ['NotFoundError'],
    examples: STATUS_EXAMPLES,
  })
  status(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: MessageStatusDto): Awaitable<Ack> {
    return ack(this.messages.raise(socket.data.identity, dto.roomId, dto.status, rangeOf(dto), socket.id));
  }

  @SubscribeMessage('room:read')
  @Event({ cost: 'other', summary: 'Everything up to a seq was seen, as `message:status`.', errors: ['NotFoundError'] })
  read(@ConnectedSocket() socket: MayflySocket, @MessageBody() { roomId, upToSeq }: ReadRoomDto): Awaitable<Ack> {
    return ack(this.messages.raise(socket.data.identity, roomId, 'seen', { upToSeq }, socket.id));
  }

  @SubscribeMessage('typing:start')
  @Event({
    cost: 'signal',
    summary: 'The user types; the server ends it after `TYPING_TIMEOUT_MS` without another.',
    description: TYPING_GUIDE,
    errors: ['NotFoundError'],
  })
  startTyping(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: RoomIdDto): Awaitable<Ack> {
    return ack(this.typing.start(socket.data.identity, dto.roomId, socket.id));
  }

  @SubscribeMessage('typing:stop')
  @Event({ cost: 'signal', summary: 'The user types no more.' })
  stopTyping(@CurrentUser() user: Identity, @MessageBody() dto: RoomIdDto): Awaitable<Ack> {
    return ack(this.typing.clear(user, dto.roomId));
  }

  async handleDisconnect(socket: MayflySocket): Promise<void> {
    await this.entry.disconnected(socket);
  }
}

/** @throws AppError ValidationError for neither or both */
function rangeOf({ messageId, upToSeq }: MessageStatusDto): ReceiptRange {
  if (messageId !== undefined && upToSeq === undefined) {
    return { messageId };
  }
  if (upToSeq !== undefined && messageId === undefined) {
    return { upToSeq };
  }
  throw AppError.field('messageId', 'Name either one message by `messageId` or all up to a seq by `upToSeq`');
}
