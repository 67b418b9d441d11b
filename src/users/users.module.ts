import { Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { LinksModule } from '../attachments/links.module';
import { DevicesController } from './devices.controller';
import { DevicesService } from './devices.service';
import { MemoryUserStore } from './memory-user.store';
import { ProfilesService } from './profiles.service';
import { RedisUserStore } from './redis-user.store';
import { UserStore } from './user-store';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

/** Needs `PresenceReader`, which the presence module provides to all. */
@Module({
  imports: [LinksModule],
  // Devices first: `me` is no id of a user.
  controllers: [DevicesController, UsersController],
  providers: [
    provideStore(UserStore, { memory: MemoryUserStore, redis: RedisUserStore }),
    UsersService,
    ProfilesService,
    DevicesService,
  ],
  exports: [UsersService, ProfilesService],
})
export class UsersModule {}
