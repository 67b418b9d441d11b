import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { serverEvent } from '../realtime/server-event';

export class ConnectionEstablishedDto {
  @ApiProperty({ example: '5f2c1a9be07d4c3388a1f0e2' })
  userId!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
  @ApiProperty({ example: 'Zf3kQ0w1S8mC2vXyAAAB' })
  socketId!: string;
  @ApiProperty({ example: false })
  isGuest!: boolean;
  @ApiPropertyOptional({ description: 'Guests: names the session.' })
  sessionId?: string;
}

export class UserOnlineDto {
  @ApiProperty({ example: '5f2c1a9be07d4c3388a1f0e2' })
  userId!: string;
  @ApiProperty({ example: 'alice' })
  username!: string;
  @ApiProperty({ example: true })
  isOnline!: boolean;
}

export class UserOfflineDto extends UserOnlineDto {
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z', description: 'When the last socket left.' })
  lastSeen!: string;
}

const NATIVE = '/';

export const PresenceEvents = {
  established: serverEvent(
    NATIVE,
    'connection:established',
    ConnectionEstablishedDto,
    'After each authenticated connect, to the new socket.',
  ),
  online: serverEvent(NATIVE, 'user:online', UserOnlineDto, "A user's first socket connected."),
  offline: serverEvent(
    NATIVE,
    'user:offline',
    UserOfflineDto,
    "`PRESENCE_GRACE_MS` after a user's last socket left; a reload is not told.",
  ),
};
