import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AdminModule } from './admin/admin.module';
import { AttachmentsModule } from './attachments/attachments.module';
import { AuthModule } from './auth/auth.module';
import { ChatModule } from './chat/chat.module';
import { GhostModule } from './chat/dialects/ghost/ghost.module';
import { RoomsModule } from './chat/dialects/rooms/rooms.module';
import { CommonModule } from './common/common.module';
import { HttpModule } from './common/http/http.module';
import { ConfigModule } from './config/config.module';
import { ExpiryModule } from './expiry/expiry.module';
import { LimitsModule } from './limits/limits.module';
import { NodesModule } from './nodes/nodes.module';
import { OperationsModule } from './operations/operations.module';
import { PresenceModule } from './presence/presence.module';
import { PresenceStoreModule } from './presence/presence-store.module';
import { RealtimeModule } from './realtime/realtime.module';
import { StorageModule } from './storage/storage.module';
import { UsersModule } from './users/users.module';

@Module({
  imports: [
    ConfigModule,
    CommonModule,
    StorageModule,
    NodesModule,
    ScheduleModule.forRoot(),
    ExpiryModule,
    LimitsModule,
    HttpModule,
    PresenceStoreModule,
    UsersModule,
    AuthModule,
    AttachmentsModule,
    RealtimeModule,
    PresenceModule,
    ChatModule,
    GhostModule,
    RoomsModule,
    AdminModule,
    OperationsModule,
  ],
})
export class AppModule {}
