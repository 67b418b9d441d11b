import { ConnectedSocket, MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { LinkSigner } from '../../../attachments/link-signer';
import { type Awaitable, chain } from '../../../common/awaitable';
import { Clock, isoTime } from '../../../common/clock';
import { CurrentUser } from '../../../common/http/current-user.decorator';
import type { Identity } from '../../../common/identity';
import { AppConfig } from '../../../config/app-config';
import { PresenceService } from '../../../presence/presence.service';
import { type Ack, ack } from '../../../realtime/ack';
import { AuthGateway } from '../../../realtime/auth.gateway';
import { Event, RealtimeGateway } from '../../../realtime/gateway.decorator';
import type { MayflySocket } from '../../../realtime/socket-session';
import { JoinedRoomsDto, SentDto } from '../../dto/chat-answers.dto';
import { RevealMessageDto, RoomIdDto, SendMessageDto } from '../../dto/chat-requests.dto';
import { REVEAL_GUIDE, SEND_GUIDE, TYPING_GUIDE } from '../../event-guides';
import { MessagesService } from '../../messages.service';
import { outgoingOf } from '../../outgoing';
import { RoomEntry } from '../../room-entry';
import { sentAck } from '../../sent-ack';
import { SilentJoins } from '../../silent-joins';
import { TypingService } from '../../typing.service';
import { joinedRoomView, openView } from '../../view';
import { newMessageView } from './rooms.views';
import { MessageRevealedDto } from './rooms.dto';
import { ROOMS } from './rooms.events';
import { SenderAvatars } from './sender-avatars';

/** The chat for clients that speak the hyphenated names: the same rooms, messages and rules as in `/`. */
@RealtimeGateway({ namespace: ROOMS, refusal: 'Authentication error' })
export class RoomsGateway {
  constructor(
    private readonly messages: MessagesService,
    private readonly entry: RoomEntry,
    private readonly joins: SilentJoins,
    private readonly typing: TypingService,
    private readonly presence: PresenceService,
    private readonly avatars: SenderAvatars,
    private readonly clock: Clock,
    private readonly config: AppConfig,
    private readonly links: LinkSigner,
  ) {}

  @SubscribeMessage('join-rooms')
  @Event({
    cost: 'other',
    summary: 'Joins all rooms of the caller, those that are opened later too.',
    description: 'Before it nothing of any room comes, but of those that this socket sends to. Again is harmless.',
    errors: ['AuthorizationError', 'ConflictError', 'CapacityError'],
    ack: JoinedRoomsDto,
  })
  join(@ConnectedSocket() socket: MayflySocket): Awaitable<Ack<JoinedRoomsDto>> {
    return ack(chain(this.joins.joinAll(socket, { later: true }), (rooms) => ({ rooms: rooms.map(joinedRoomView) })));
  }

  @SubscribeMessage('send-message')
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
    const sent = this.joins.hasJoined(socket, dto.roomId)
      ? this.messages.send(identity, outgoing)
      : this.joins.join(socket, dto.roomId).then(() => this.messages.send(identity, outgoing));
    return chain(sent, (appended) => sentAck(appended, this.clock.now()));
  }

  @SubscribeMessage('reveal-message')
  @Event({
    cost: 'other',
    summary: 'Hands out the content of a message that burns after reading, once: in the ack.',
    description: REVEAL_GUIDE,
    errors: ['NotFoundError', 'AuthorizationError', 'ConflictError'],
    ack: MessageRevealedDto,
  })
  reveal(
    @ConnectedSocket() socket: MayflySocket,
    @MessageBody() { roomId, messageId, revealId }: RevealMessageDto,
  ): Awaitable<Ack<MessageRevealedDto>> {
    const revealed = this.messages.reveal(socket.data.identity, roomId, messageId, revealId, socket.id);
    return ack(chain(revealed, (answer) => this.revealed(answer)));
  }

  @SubscribeMessage('typing-start')
  @Event({
    cost: 'signal',
    summary: 'The user types; the server ends it after `TYPING_TIMEOUT_MS` without another.',
    description: TYPING_GUIDE,
    errors: ['NotFoundError'],
  })
  startTyping(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: RoomIdDto): Awaitable<Ack> {
    return ack(this.typing.start(socket.data.identity, dto.roomId, socket.id));
  }

  @SubscribeMessage('typing-stop')
  @Event({ cost: 'signal', summary: 'The user types no more.' })
  stopTyping(@CurrentUser() user: Identity, @MessageBody() dto: RoomIdDto): Awaitable<Ack> {
    return ack(this.typing.clear(user, dto.roomId));
  }

  async handleConnection(socket: MayflySocket): Promise<void> {
    const { userId, username } = socket.data.identity;
    await this.presence.connect(userId, username, socket.id);
  }

  async handleDisconnect(socket: MayflySocket): Promise<void> {
    // Both, though one fails; counted out before rooms are looked at.
    await Promise.all([
      this.presence.disconnect(socket.data.identity.userId, socket.id),
      this.entry.disconnected(socket),
    ]);
  }

  private revealed({ message, expiresAt }: Revealed): Awaitable<MessageRevealedDto> {
    return chain(this.avatars.of(message.senderId), (avatar) => ({
      message: newMessageView(openView(message, this.links, expiresAt), avatar),
      expiresAt: isoTime(expiresAt),
    }));
  }
}

type Revealed = Awaited<ReturnType<MessagesService['reveal']>>;

/** `auth:refresh`, here as in `/`. */
@RealtimeGateway({ namespace: ROOMS })
export class RoomsAuthGateway extends AuthGateway {}
