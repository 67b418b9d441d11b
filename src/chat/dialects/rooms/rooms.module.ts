import { Module } from '@nestjs/common';
import { AuthModule } from '../../../auth/auth.module';
import { PresenceModule } from '../../../presence/presence.module';
import { ChatModule } from '../../chat.module';
import { RoomsAnnouncer } from './rooms.announcer';
import { RoomsAuthGateway, RoomsGateway } from './rooms.gateway';
import { RoomsPresenceAnnouncer } from './rooms-presence.announcer';

@Module({
  imports: [AuthModule, PresenceModule, ChatModule],
  providers: [RoomsGateway, RoomsAuthGateway, RoomsAnnouncer, RoomsPresenceAnnouncer],
})
export class RoomsModule {}
