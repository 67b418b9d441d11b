import { Controller, Get, Inject, Optional, UseGuards } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminAction } from '../admin/admin-request';
import { ProductionAdminGuard } from '../admin/admin.guard';
import { AppError } from '../common/app-error';
import { ApiErrors } from '../common/http/api-errors';
import { Public } from '../common/http/access.decorators';
import { Ids } from '../common/ids';
import { Redis } from '../storage/redis';
import { unavailable } from '../storage/redis-errors';
import { RedisTestDto } from './health.dto';

const TEXT = 'Hello from Redis!';
/** The key ends by itself where deleting it fails. */
const KEY_LIFE_MS = 10_000;

/** Whether Redis can be written and read. Costs it something, so it counts against the rate limit. */
@ApiTags('Operations')
@Public()
@Controller('api/redis')
export class RedisController {
  constructor(
    private readonly ids: Ids,
    @Optional() @Inject(Redis) private readonly redis?: Redis,
  ) {}

  @Get('test')
  @UseGuards(ProductionAdminGuard)
  @AdminAction('redis.test')
  @ApiOperation({ summary: 'Writes, reads and deletes a key in Redis', description: 'In production for admins only.' })
  @ApiOkResponse({ type: RedisTestDto })
  @ApiErrors('AuthenticationError', 'AuthorizationError', 'CapacityError')
  async test(): Promise<RedisTestDto> {
    const { redis } = this;
    if (!redis) {
      throw new AppError('CapacityError', 'There is no Redis: REDIS_URL is not set');
    }
    const key = redis.key('test', this.ids.id());
    const result = await redis.run(async (client) => {
      await client.set(key, TEXT, 'PX', KEY_LIFE_MS);
      const read = await client.get(key);
      await client.unlink(key);
      return read;
    });
    if (result !== TEXT) {
      throw unavailable();
    }
    return { success: true, message: 'Redis is working', result };
  }
}
