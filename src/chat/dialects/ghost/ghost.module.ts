import { Module } from '@nestjs/common';
import { AttachmentsModule } from '../../../attachments/attachments.module';
import { ChatModule } from '../../chat.module';
import { GhostAnnouncer } from './ghost.announcer';
import { GhostBurns } from './ghost-burns';
import { GhostController } from './ghost.controller';
import { GhostEntry } from './ghost-entry';
import { GhostGateway } from './ghost.gateway';
import { GhostImagesController } from './ghost-images.controller';
import { GhostImagesService } from './ghost-images.service';
import { GhostLimits } from './ghost-limits';
import { GhostMessagesService } from './ghost-messages.service';
import { GhostPlaces } from './ghost-places';
import { GhostRoomsService } from './ghost-rooms.service';
import { GhostTokens } from './ghost-tokens';

/** Anonymous rooms: the namespace `/ghost` and its REST paths, a dialect of the chat's engine. */
@Module({
  imports: [ChatModule, AttachmentsModule],
  controllers: [GhostController, GhostImagesController],
  providers: [
    GhostTokens,
    GhostLimits,
    GhostPlaces,
    GhostRoomsService,
    GhostMessagesService,
    GhostImagesService,
    GhostBurns,
    GhostEntry,
    GhostAnnouncer,
    GhostGateway,
  ],
})
export class GhostModule {}
