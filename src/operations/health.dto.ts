import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class HealthDto {
  @ApiProperty({ enum: ['ok', 'draining'], example: 'ok' })
  status!: 'ok' | 'draining';
  @ApiProperty({ example: '2030-01-01T12:00:00.000Z' })
  timestamp!: string;
  @ApiProperty({ example: 86400, description: 'Seconds.' })
  uptime!: number;
  @ApiProperty({ example: 12, description: 'Rooms with somebody in them.' })
  activeRooms!: number;
  @ApiProperty({ example: 20, description: 'The sum of the people in those.' })
  totalParticipants!: number;
  @ApiProperty({ example: 0, description: 'End-to-end encrypted sessions.' })
  sessions!: number;
  @ApiProperty({ enum: ['connected', 'disconnected', 'disabled'], example: 'disabled' })
  redis!: 'connected' | 'disconnected' | 'disabled';
}

export class VersionedHealthDto extends HealthDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ example: 'Mayfly is running' })
  message!: string;
  @ApiProperty({ example: '0.1.0' })
  version!: string;
  @ApiPropertyOptional({
    example: 0.4,
    description: 'Milliseconds of a round trip to Redis; absent without an answer.',
  })
  redisLatencyMs?: number;
  @ApiPropertyOptional({
    example: 0,
    description: 'Dead nodes that this one took over since it started; absent without Redis.',
  })
  takeovers?: number;
}

export class RedisTestDto {
  @ApiProperty({ example: true })
  success!: true;
  @ApiProperty({ example: 'Redis is working' })
  message!: string;
  @ApiProperty({ example: 'Hello from Redis!', description: 'What was read.' })
  result!: string;
}

export class ServiceDto {
  @ApiProperty({ example: 'mayfly' })
  name!: string;
  @ApiProperty({ example: '0.1.0' })
  version!: string;
  @ApiProperty({ example: '/api/docs' })
  docs!: string;
  @ApiProperty({ example: '/api/events' })
  events!: string;
  @ApiProperty({ example: '/health' })
  health!: string;
}

export class SocketStatsDto {
  @ApiProperty({ example: 40 })
  connectedSockets!: number;
  @ApiProperty({ example: 12, description: 'Rooms that stand.' })
  rooms!: number;
  @ApiProperty({ example: '/' })
  namespace!: string;
}

export class SocketStatsAnswerDto {
  @ApiProperty({ example: true })
  success!: boolean;
  @ApiProperty({ type: SocketStatsDto })
  data!: SocketStatsDto;
}
