import { Module, type OnModuleInit } from '@nestjs/common';
import { AttachmentsModule } from '../attachments/attachments.module';
import { UploadsJob } from '../attachments/uploads-job.service';
import { PresenceModule } from '../presence/presence.module';
import { PresenceService } from '../presence/presence.service';
import { SessionRegistry } from '../realtime/session-registry';
import { provideForRedis, provideStore } from '../storage/provide-store';
import { UsersModule } from '../users/users.module';
import { UsersService } from '../users/users.service';
import { ChatAnnouncer } from './chat.announcer';
import { ChatController } from './chat.controller';
import { ChatGateway } from './chat.gateway';
import { ChatErasureService } from './chat-erasure.service';
import { ChatStatsService } from './chat-stats.service';
import { MessageStore } from './engine/message.store';
import { MembershipFeed } from './engine/membership-feed';
import { MembershipStore } from './engine/membership.store';
import { RoomFeed } from './engine/room-feed';
import { RoomPolicies } from './engine/room-policy';
import { RoomStore } from './engine/room.store';
import { GroupRoomsController } from './group-rooms.controller';
import { MembershipAnnouncer } from './membership.announcer';
import { MembershipViews } from './membership-views';
import { MembershipsService } from './memberships.service';
import { MemoryMembershipFeed } from './memory/memory-membership-feed';
import { MemoryMembershipStore } from './memory/memory-membership.store';
import { MemoryMessageStore } from './memory/memory-message.store';
import { MemoryRoomFeed } from './memory/memory-room-feed';
import { MemoryRoomStore } from './memory/memory-room.store';
import { MemoryRooms } from './memory/memory-rooms';
import { FeedFollower } from './redis/feed-follower';
import { NodeRooms } from './redis/node-rooms';
import { ModerationController } from './moderation.controller';
import { ModerationService } from './moderation.service';
import { RedisMembershipFeed } from './redis/redis-membership-feed';
import { RedisMembershipStore } from './redis/redis-membership.store';
import { RedisAppends } from './redis/redis-appends';
import { RedisChanges } from './redis/redis-changes';
import { RedisMessageStore } from './redis/redis-message.store';
import { RedisOccupancy } from './redis/redis-occupancy';
import { RedisReceipts } from './redis/redis-receipts';
import { RedisReports } from './redis/redis-reports';
import { RedisPublicRooms } from './redis/redis-public-rooms';
import { RedisRoomFeed } from './redis/redis-room-feed';
import { RedisRoomStore } from './redis/redis-room.store';
import { RedisRoomTotals } from './redis/redis-room-totals';
import { RedisRooms } from './redis/redis-rooms';
import { RoomDeadlines } from './redis/room-deadlines';
import { RoomLists } from './redis/room-lists';
import { UserMarks } from './redis/user-marks';
import { MessageChangesController } from './message-changes.controller';
import { MessageChangesGateway } from './message-changes.gateway';
import { MessageChangesService } from './message-changes.service';
import { MessageImagesService } from './message-images.service';
import { MessagesService } from './messages.service';
import { ReportsController } from './reports.controller';
import { ReportsService } from './reports.service';
import { LocalMembers } from './local-members';
import { RoomActivityService } from './room-activity.service';
import { RoomEntry } from './room-entry';
import { RoomLifeService } from './room-life.service';
import { RoomListService } from './room-list.service';
import { RoomPlaces } from './room-places';
import { RoomStatistics } from './room-statistics';
import { RoomsService } from './rooms.service';
import { SilentJoins } from './silent-joins';
import { TypingService } from './typing.service';

@Module({
  imports: [UsersModule, PresenceModule, AttachmentsModule],
  controllers: [
    GroupRoomsController,
    ModerationController,
    ChatController,
    MessageChangesController,
    ReportsController,
  ],
  providers: [
    MemoryRooms,
    provideForRedis(RedisRooms),
    provideForRedis(RoomLists),
    provideForRedis(UserMarks),
    provideForRedis(RedisPublicRooms),
    provideForRedis(RedisRoomTotals),
    provideForRedis(RoomDeadlines),
    provideForRedis(NodeRooms),
    provideForRedis(RedisOccupancy),
    provideForRedis(RedisChanges),
    provideForRedis(RedisAppends),
    provideForRedis(RedisReceipts),
    provideForRedis(RedisReports),
    provideForRedis(FeedFollower),
    provideStore(RoomFeed, { memory: MemoryRoomFeed, redis: RedisRoomFeed }),
    provideStore(MembershipFeed, { memory: MemoryMembershipFeed, redis: RedisMembershipFeed }),
    provideStore(MembershipStore, { memory: MemoryMembershipStore, redis: RedisMembershipStore }),
    provideStore(RoomStore, { memory: MemoryRoomStore, redis: RedisRoomStore }),
    provideStore(MessageStore, { memory: MemoryMessageStore, redis: RedisMessageStore }),
    RoomPolicies,
    RoomsService,
    ChatErasureService,
    RoomListService,
    MembershipsService,
    ModerationService,
    ReportsService,
    MembershipViews,
    LocalMembers,
    RoomActivityService,
    MembershipAnnouncer,
    RoomLifeService,
    MessageImagesService,
    MessagesService,
    MessageChangesService,
    TypingService,
    RoomPlaces,
    SilentJoins,
    RoomEntry,
    ChatStatsService,
    RoomStatistics,
    ChatAnnouncer,
    ChatGateway,
    MessageChangesGateway,
  ],
  exports: [
    RoomStatistics,
    MembershipsService,
    ReportsService,
    RoomFeed,
    RoomStore,
    MessageStore,
    RoomPolicies,
    RoomPlaces,
    RoomLifeService,
    MessagesService,
    MessageImagesService,
    RoomEntry,
    SilentJoins,
    TypingService,
  ],
})
export class ChatModule implements OnModuleInit {
  constructor(
    private readonly rooms: RoomsService,
    private readonly erasure: ChatErasureService,
    private readonly users: UsersService,
    private readonly presence: PresenceService,
    private readonly sessions: SessionRegistry,
    private readonly feed: RoomFeed,
    private readonly uploads: UploadsJob,
    private readonly stats: ChatStatsService,
  ) {}

  onModuleInit(): void {
    this.users.onErase((userId) => this.erasure.eraseUser(userId));
    this.uploads.addCounts(() => this.stats.counts());
    this.presence.addContacts((userId) => this.rooms.peersOf(userId));
    this.sessions.onArrival({
      prepare: (userId) => this.feed.follow(userId),
      leave: (userId) => this.feed.unfollow(userId),
    });
  }
}
