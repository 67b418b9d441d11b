import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module';
import { UsersModule } from '../users/users.module';
import { AdminController } from './admin.controller';
import { AdminService } from './admin.service';
import { AuditLog } from './audit-log';

@Module({
  imports: [UsersModule, ChatModule],
  controllers: [AdminController],
  providers: [AdminService, AuditLog],
  exports: [AuditLog],
})
export class AdminModule {}
