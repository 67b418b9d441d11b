import { Controller, Get, Param, Req } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { Public } from '../../../common/http/access.decorators';
import { ApiErrors } from '../../../common/http/api-errors';
import { AppConfig } from '../../../config/app-config';
import { clientAddress } from '../../../realtime/client-address';
import { GhostHistoryDto, GhostStatsDto, NewRoomTokenDto } from './dto/ghost-answers.dto';
import { GhostRoomsService } from './ghost-rooms.service';
import { GhostTokens } from './ghost-tokens';

const TOKEN_PARAM = { name: 'token', example: 'ABC-123-XYZ' };

/** Anonymous rooms by REST: the token in the path is the key. */
@ApiTags('Anonymous rooms')
@Public()
@Controller('api/room')
export class GhostController {
  constructor(
    private readonly rooms: GhostRoomsService,
    private readonly tokens: GhostTokens,
    private readonly config: AppConfig,
  ) {}

  @Get('new')
  @ApiOperation({ summary: 'Makes a token up, for a room that nobody is in' })
  @ApiOkResponse({ type: NewRoomTokenDto })
  @ApiErrors()
  create(): NewRoomTokenDto {
    return { roomToken: this.tokens.create() };
  }

  @Get(':token/stats')
  @ApiOperation({ summary: 'Counts who and what is in a room' })
  @ApiParam(TOKEN_PARAM)
  @ApiOkResponse({ type: GhostStatsDto })
  @ApiErrors('ValidationError', 'NotFoundError')
  stats(@Param('token') token: string, @Req() request: Request): Promise<GhostStatsDto> {
    return this.rooms.stats(token, this.addressOf(request));
  }

  @Get(':token/messages')
  @ApiOperation({
    summary: 'Reads the newest 500 messages of a room, burn messages left out',
    description: 'A token without a room gets an empty list. Too many of those and the address is refused.',
  })
  @ApiParam(TOKEN_PARAM)
  @ApiOkResponse({ type: GhostHistoryDto })
  @ApiErrors('ValidationError')
  messages(@Param('token') token: string, @Req() request: Request): Promise<GhostHistoryDto> {
    return this.rooms.history(token, this.addressOf(request));
  }

  private addressOf(request: Request): string {
    return clientAddress(request, this.config.env.TRUST_PROXY);
  }
}
