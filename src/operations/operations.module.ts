import { Module } from '@nestjs/common';
import { AdminModule } from '../admin/admin.module';
import { ChatModule } from '../chat/chat.module';
import { HealthController } from './health.controller';
import { HealthService } from './health.service';
import { RedisController } from './redis.controller';
import { MetricsController } from './metrics/metrics.controller';
import { MetricsService } from './metrics/metrics.service';

@Module({
  imports: [AdminModule, ChatModule],
  controllers: [HealthController, RedisController, MetricsController],
  providers: [HealthService, MetricsService],
})
export class OperationsModule {}
