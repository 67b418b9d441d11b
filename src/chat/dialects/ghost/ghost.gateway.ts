import { ConnectedSocket, MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { AppError } from '../../../common/app-error';
import { type Awaitable, chain } from '../../../common/awaitable';
import { isoTime } from '../../../common/clock';
import { type Ack, ack } from '../../../realtime/ack';
import { Event, RealtimeGateway } from '../../../realtime/gateway.decorator';
import type { MayflySocket } from '../../../realtime/socket-session';
import type { Message } from '../../engine/message';
import { TypingService } from '../../typing.service';
import { RoomJoinedDto, SentGhostMessageDto } from './dto/ghost-answers.dto';
import {
  GhostRoomDto,
  JoinGhostRoomDto,
  SEND_GHOST_IMAGE_EXAMPLES,
  SendGhostImageDto,
  SendGhostMessageDto,
} from './dto/ghost-requests.dto';
import { GhostEntry } from './ghost-entry';
import { GhostMessagesService, type GhostAuthor } from './ghost-messages.service';
import { type Ghost, userIdOf } from './ghost-places';
import { GHOST } from './ghost.events';
import { JOIN_GHOST_GUIDE, SEND_GHOST_GUIDE, SEND_GHOST_IMAGE_GUIDE } from './ghost-guides';

/** Anonymous rooms: whoever knows the token is in. */
@RealtimeGateway({ namespace: GHOST, anonymous: true })
export class GhostGateway {
  constructor(
    private readonly entry: GhostEntry,
    private readonly messages: GhostMessagesService,
    private readonly typing: TypingService,
  ) {}

  @SubscribeMessage('join-room')
  @Event({
    cost: 'other',
    summary: 'Comes into the room of a token, opened if need be, under a name that nobody else there has.',
    description: JOIN_GHOST_GUIDE,
    invalid: 'Invalid room token or agent ID',
    errors: ['ConflictError', 'CapacityError'],
    ack: RoomJoinedDto,
  })
  join(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: JoinGhostRoomDto): Awaitable<Ack<RoomJoinedDto>> {
    return ack(this.entry.join(socket, dto));
  }

  @SubscribeMessage('send-message')
  @Event({
    cost: 'create',
    summary: 'Sends a text to everyone in the room.',
    description: SEND_GHOST_GUIDE,
    errors: ['AuthorizationError', 'ConflictError', 'CapacityError'],
    ack: SentGhostMessageDto,
  })
  send(
    @ConnectedSocket() socket: MayflySocket,
    @MessageBody() dto: SendGhostMessageDto,
  ): Awaitable<Ack<SentGhostMessageDto>> {
    const author = authorOf(this.entry.ghostOf(socket, dto.roomToken), dto.sender);
    return chain(this.messages.send(author, dto.message, dto.ttl), sent);
  }

  @SubscribeMessage('send-image')
  @Event({
    cost: 'create',
    summary: 'Sends a picture to everyone in the room.',
    description: SEND_GHOST_IMAGE_GUIDE,
    examples: SEND_GHOST_IMAGE_EXAMPLES,
    errors: [
      'AuthorizationError',
      'NotFoundError',
      'ConflictError',
      'PayloadTooLargeError',
      'UnsupportedMediaTypeError',
      'CapacityError',
    ],
    ack: SentGhostMessageDto,
  })
  sendImage(
    @ConnectedSocket() socket: MayflySocket,
    @MessageBody() dto: SendGhostImageDto,
  ): Awaitable<Ack<SentGhostMessageDto>> {
    const author = authorOf(this.entry.ghostOf(socket, dto.roomToken), dto.sender);
    const { data, filename, name } = dto.imageData;
    return this.messages.sendImage(author, { data, filename, name }, dto.caption ?? '', dto.ttl).then(sent);
  }

  @SubscribeMessage('typing')
  @Event({
    cost: 'signal',
    summary: 'You type; the server ends it after `TYPING_TIMEOUT_MS` without another.',
    errors: ['AuthorizationError'],
  })
  startTyping(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: GhostRoomDto): Awaitable<Ack> {
    const { roomId, userId, agentId } = authorOf(this.entry.ghostOf(socket, dto.roomToken));
    return ack(this.typing.mark({ userId, username: agentId }, roomId, socket.id));
  }

  @SubscribeMessage('stopped-typing')
  @Event({ cost: 'signal', summary: 'You type no more; in a room that you are not in a success without effect.' })
  stopTyping(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: GhostRoomDto): Awaitable<Ack> {
    const ghost = this.entry.findGhost(socket, dto.roomToken);
    return ack(ghost && this.typing.clear(ghost, ghost.place.roomId));
  }

  @SubscribeMessage('leave-room')
  @Event({ cost: 'other', summary: 'Leaves the room; of one that you are not in a success without effect.' })
  leave(@ConnectedSocket() socket: MayflySocket, @MessageBody() dto: GhostRoomDto): Awaitable<Ack> {
    return ack(this.entry.leave(socket, dto.roomToken));
  }

  async handleDisconnect(socket: MayflySocket): Promise<void> {
    await this.entry.disconnected(socket);
  }
}

/** @throws AppError AuthorizationError for a sender that is not the socket's own name */
function authorOf({ place, userId, agentId }: Ghost, sender = agentId): GhostAuthor {
  if (userIdOf(sender) !== userId) {
    throw new AppError('AuthorizationError', 'The sender must be the name that you joined with');
  }
  return { roomId: place.roomId, userId, agentId, ip: place.socket.data.ip, isHere: () => !place.out };
}

function sent({ id, createdAt }: Message): Ack<SentGhostMessageDto> {
  return { success: true, messageId: id, timestamp: isoTime(createdAt) };
}
