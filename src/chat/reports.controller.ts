import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountOnly } from '../common/http/access.decorators';
import { ApiErrors } from '../common/http/api-errors';
import { CurrentUser } from '../common/http/current-user.decorator';
import type { Identity } from '../common/identity';
import { EventLimits } from '../realtime/event-limits';
import { ReportMessageDto } from './dto/room-requests.dto';
import { ReportAnswerDto, ReportsDto } from './dto/report.dto';
import { reportView } from './membership-views';
import { ReportsService } from './reports.service';

/** Reports of messages, in rooms with `moderationEnabled`. */
@ApiTags('Rooms')
@ApiBearerAuth()
@AccountOnly()
@Controller('api/chat/rooms/:roomId')
export class ReportsController {
  constructor(
    private readonly reports: ReportsService,
    private readonly limits: EventLimits,
  ) {}

  @Post('messages/:messageId/report')
  @ApiOperation({ summary: "Report somebody else's message to the moderators; again it changes nothing" })
  @ApiCreatedResponse({ type: ReportAnswerDto, description: 'Reported, now or before: your first report stands.' })
  @ApiErrors(
    'ValidationError',
    'AuthenticationError',
    'AuthorizationError',
    'NotFoundError',
    'ConflictError',
    'CapacityError',
  )
  async report(
    @CurrentUser() user: Identity,
    @Param('roomId') roomId: string,
    @Param('messageId') messageId: string,
    @Body() { reason }: ReportMessageDto,
  ): Promise<ReportAnswerDto> {
    await this.limits.takeFor(user.userId, 'create');
    const report = await this.reports.report(user, { roomId, messageId }, reason);
    return { success: true, report: reportView(report) };
  }

  @Get('reports')
  @ApiOperation({ summary: 'List the reports of messages that are not gone (moderators)' })
  @ApiOkResponse({ type: ReportsDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'NotFoundError')
  async list(@CurrentUser() user: Identity, @Param('roomId') roomId: string): Promise<ReportsDto> {
    return { reports: (await this.reports.list(user, roomId)).map(reportView) };
  }
}
