import { Ids } from '../../src/common/ids';
import type { RoomDraft } from '../../src/chat/engine/room';
import { FeedFollower } from '../../src/chat/redis/feed-follower';
import { NodeRooms } from '../../src/chat/redis/node-rooms';
import { RedisMembershipFeed } from '../../src/chat/redis/redis-membership-feed';
import { RedisMembershipStore } from '../../src/chat/redis/redis-membership.store';
import { RedisAppends } from '../../src/chat/redis/redis-appends';
import { RedisChanges } from '../../src/chat/redis/redis-changes';
import { RedisMessageStore } from '../../src/chat/redis/redis-message.store';
import { RedisOccupancy } from '../../src/chat/redis/redis-occupancy';
import { RedisReceipts } from '../../src/chat/redis/redis-receipts';
import { RedisReports } from '../../src/chat/redis/redis-reports';
import { RedisPublicRooms } from '../../src/chat/redis/redis-public-rooms';
import { RedisRoomFeed } from '../../src/chat/redis/redis-room-feed';
import { RedisRoomStore } from '../../src/chat/redis/redis-room.store';
import { RedisRooms } from '../../src/chat/redis/redis-rooms';
import { RedisRoomTotals } from '../../src/chat/redis/redis-room-totals';
import { RoomDeadlines } from '../../src/chat/redis/room-deadlines';
import { RoomLists } from '../../src/chat/redis/room-lists';
import { UserMarks } from '../../src/chat/redis/user-marks';
import { RedisExpiryQueue } from '../../src/expiry/redis-expiry-queue';
import { RedisNodes } from '../../src/nodes/redis-nodes';
import { RedisChannels } from '../../src/storage/redis-channels';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { type RedisServer, uniquePrefix } from '../support/redis-server';
import type { ChatKit } from './chat-kit';

/** By so much the clocks of node and Redis may differ, ms. */
const SKEW_MS = 3;

/** Hears all direct rooms that it opens, as if each of their members had a socket here. */
class ListeningFeed extends RedisRoomFeed {
  override async open(draft: RoomDraft, roomsPerUser: number): ReturnType<RedisRoomFeed['open']> {
    if (draft.type === 'direct') {
      await Promise.all(draft.members.map(({ userId }) => this.follow(userId)));
    }
    return super.open(draft, roomsPerUser);
  }
}

export interface RedisChatKit extends ChatKit {
  readonly node: RedisKit;
  readonly nodes: RedisNodes;
  readonly feed: RedisRoomFeed;
  readonly queue: RedisExpiryQueue;
  readonly follower: FeedFollower;
}

/** The Redis driver as one node has it; several with one prefix are the nodes of one service. */
export async function redisChatKit(server: RedisServer, prefix = uniquePrefix()): Promise<RedisChatKit> {
  const node = await redisKit(server, prefix);
  const { redis, clock } = node;
  const ids = new Ids();
  const channels = new RedisChannels(redis);
  const nodes = new RedisNodes(redis, ids);
  await nodes.onModuleInit();
  const queue = new RedisExpiryQueue(redis, channels, nodes, clock);
  await queue.onModuleInit();
  const rooms = new RedisRooms(redis);
  const lists = new RoomLists(redis, rooms);
  const totals = new RedisRoomTotals(redis, ids);
  const deadlines = new RoomDeadlines(rooms, queue);
  const occupancy = new RedisOccupancy(rooms, new NodeRooms(redis, nodes), totals, nodes);
  const [marks, listing] = [new UserMarks(redis, lists), new RedisPublicRooms(redis, rooms)];
  const changes = new RedisChanges(rooms, totals, clock);
  const reports = new RedisReports(rooms, ids);
  const follower = new FeedFollower(redis, rooms, channels, nodes, clock);
  const feed = new ListeningFeed(
    rooms,
    lists,
    marks,
    listing,
    occupancy,
    totals,
    deadlines,
    follower,
    new RedisAppends(rooms, totals, changes, ids),
    new RedisReceipts(rooms, deadlines),
    changes,
    reports,
  );
  return {
    node,
    nodes,
    follower,
    feed,
    memberships: new RedisMembershipFeed(rooms, feed, marks, totals, deadlines, listing, ids),
    standings: new RedisMembershipStore(rooms, marks, listing),
    rooms: new RedisRoomStore(rooms, lists, totals),
    messages: new RedisMessageStore(rooms, deadlines, reports),
    queue,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms + SKEW_MS),
    close: async () => node.close(),
  };
}
