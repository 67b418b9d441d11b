import { ConnectedSocket, MessageBody, SubscribeMessage } from '@nestjs/websockets';
import { ApiProperty } from '@nestjs/swagger';
import { TokenService } from '../auth/token.service';
import { AppError } from '../common/app-error';
import { Clock, isoTime } from '../common/clock';
import { IsOpaque } from '../common/validation/decorators';
import type { Ack } from './ack';
import { Event, RealtimeGateway } from './gateway.decorator';
import { SessionRegistry } from './session-registry';
import type { MayflySocket } from './socket-session';

const MAX_TOKEN_LENGTH = 4096;

export class RefreshSocketDto {
  @ApiProperty({
    example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1ZjNjIn0.3q2-7w',
    description: 'A newer token of the same user.',
  })
  @IsOpaque(MAX_TOKEN_LENGTH, 1)
  token!: string;
}

export class SocketRefreshedDto {
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z', description: 'When the new token, and so the socket, ends.' })
  expiresAt!: string;
}

/** Keeps a live socket beyond the end of the token that it came with. */
@RealtimeGateway({ namespace: '/' })
export class AuthGateway {
  constructor(
    private readonly tokens: TokenService,
    private readonly sessions: SessionRegistry,
    private readonly clock: Clock,
  ) {}

  @SubscribeMessage('auth:refresh')
  @Event({
    cost: 'other',
    summary: 'Puts a newer token of the same user on this socket.',
    errors: ['AuthenticationError', 'AuthorizationError'],
    ack: SocketRefreshedDto,
  })
  async refresh(
    @ConnectedSocket() socket: MayflySocket,
    @MessageBody() dto: RefreshSocketDto,
  ): Promise<Ack<SocketRefreshedDto>> {
    const verifiedAt = this.clock.now();
    const identity = await this.tokens.verify(dto.token);
    if (identity.userId !== socket.data.identity.userId) {
      throw new AppError('AuthorizationError', 'The token belongs to another user');
    }
    this.sessions.renew(socket, identity, verifiedAt);
    return { success: true, expiresAt: isoTime(identity.expiresAt) };
  }
}
