import { Module } from '@nestjs/common';
import { provideStore } from '../storage/provide-store';
import { MemoryUserStore } from './memory-user.store';
import { ProfilesService } from './profiles.service';
import { RedisUserStore } from './redis-user.store';
import { UserStore } from './user-store';
import { UsersController } from './users.controller';
import { UsersService } from './users.service';

/** Needs `PresenceReader`, which the presence module provides to all. */
@Module({
  controllers: [UsersController],
  providers: [
    provideStore(UserStore, { memory: MemoryUserStore, redis: RedisUserStore }),
    UsersService,
    ProfilesService,
  ],
  exports: [UsersService, ProfilesService],
})
export class UsersModule {}
