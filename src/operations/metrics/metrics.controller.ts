import { Controller, Get, Headers, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { SkipThrottle } from '@nestjs/throttler';
import type { Response } from 'express';
import { AppError } from '../../common/app-error';
import { Public } from '../../common/http/access.decorators';
import { ApiErrors } from '../../common/http/api-errors';
import { sameSecret } from '../../common/secrets';
import { AppConfig } from '../../config/app-config';
import { MetricsService } from './metrics.service';

/** For Prometheus: no user's token, but `METRICS_TOKEN` where that is set; not limited. */
@ApiTags('Operations')
@Public()
@SkipThrottle()
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: MetricsService,
    private readonly config: AppConfig,
  ) {}

  @Get()
  @ApiSecurity('metrics')
  @ApiOperation({
    summary: 'Metrics for Prometheus',
    description: '`METRICS_TOKEN` as Bearer token where that is set, else open.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string', example: 'mayfly_sockets 40' } })
  @ApiErrors('AuthenticationError')
  async read(
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<string> {
    const { METRICS_TOKEN } = this.config.env;
    if (METRICS_TOKEN !== undefined && !sameSecret(bearerToken(authorization), METRICS_TOKEN)) {
      throw new AppError('AuthenticationError', 'The metrics need their own token');
    }
    response.type(this.metrics.contentType);
    return this.metrics.text();
  }
}

function bearerToken(authorization = ''): string {
  const [, token = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  return token;
}
