import { Module } from '@nestjs/common';
import { LinksModule } from '../../../attachments/links.module';
import { UsersModule } from '../../../users/users.module';
import { AuthModule } from '../../../auth/auth.module';
import { PresenceModule } from '../../../presence/presence.module';
import { ChatModule } from '../../chat.module';
import { RoomsAnnouncer } from './rooms.announcer';
import { RoomsAuthGateway, RoomsGateway } from './rooms.gateway';
import { SenderAvatars } from './sender-avatars';
import { RoomsMembersAnnouncer } from './rooms-members.announcer';
import { RoomsPresenceAnnouncer } from './rooms-presence.announcer';

@Module({
  imports: [AuthModule, UsersModule, PresenceModule, LinksModule, ChatModule],
  providers: [
    RoomsGateway,
    RoomsAuthGateway,
    RoomsAnnouncer,
    RoomsPresenceAnnouncer,
    RoomsMembersAnnouncer,
    SenderAvatars,
  ],
})
export class RoomsModule {}
