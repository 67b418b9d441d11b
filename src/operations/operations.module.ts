import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module';
import { HealthController } from './health.controller';
import { HealthService } from './health.service';

@Module({ imports: [ChatModule], controllers: [HealthController], providers: [HealthService] })
export class OperationsModule {}
