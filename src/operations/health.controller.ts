import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import type { Response } from 'express';
import { RoomStatistics } from '../chat/room-statistics';
import { Public } from '../common/http/access.decorators';
import { PresenceReader } from '../users/presence-reader';
import { HealthDto, ServiceDto, SocketStatsAnswerDto, VersionedHealthDto } from './health.dto';
import { HealthService, type Readiness } from './health.service';
import { NAME, VERSION } from './version';

/** What operators and orchestrators ask; open and not limited. */
@ApiTags('Operations')
@Public()
@SkipThrottle()
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly rooms: RoomStatistics,
    private readonly presence: PresenceReader,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Where things are' })
  @ApiOkResponse({ type: ServiceDto })
  service(): ServiceDto {
    return { name: NAME, version: VERSION, docs: '/api/docs', events: '/api/events', health: '/health' };
  }

  @Get('health')
  @ApiOperation({ summary: 'How the service is' })
  @ApiOkResponse({ type: VersionedHealthDto })
  async versioned(): Promise<VersionedHealthDto> {
    const [health, redisLatencyMs] = await Promise.all([this.health.health(), this.health.redisLatencyMs()]);
    const { takeovers } = this.health;
    return { success: true, message: 'Mayfly is running', version: VERSION, ...health, redisLatencyMs, takeovers };
  }

  @Get('api/health')
  @ApiOperation({ summary: 'How the service is' })
  @ApiOkResponse({ type: HealthDto })
  plain(): Promise<HealthDto> {
    return this.health.health();
  }

  @Get('health/live')
  @ApiOperation({ summary: 'Whether the process lives' })
  @ApiOkResponse({ schema: { example: { status: 'ok' } } })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Whether to send clients here' })
  @ApiOkResponse({ schema: { example: { ready: true, checks: { draining: 'up', expiry: 'up' } } } })
  @ApiServiceUnavailableResponse({ schema: { example: { ready: false, checks: { draining: 'down', expiry: 'up' } } } })
  async ready(@Res({ passthrough: true }) response: Response): Promise<Readiness> {
    const readiness = await this.health.readiness();
    response.status(readiness.ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    return readiness;
  }

  @Get('api/socket/stats')
  @ApiOperation({ summary: 'Count sockets and rooms' })
  @ApiOkResponse({ type: SocketStatsAnswerDto })
  async sockets(): Promise<SocketStatsAnswerDto> {
    const [connectedSockets, { rooms }] = await Promise.all([this.presence.connectedSockets(), this.rooms.totals()]);
    return { success: true, data: { connectedSockets, rooms, namespace: '/' } };
  }
}
