import { Ids } from '../../src/common/ids';
import { MemoryMembershipFeed } from '../../src/chat/memory/memory-membership-feed';
import { MemoryMembershipStore } from '../../src/chat/memory/memory-membership.store';
import { MemoryMessageStore } from '../../src/chat/memory/memory-message.store';
import { MemoryRoomFeed } from '../../src/chat/memory/memory-room-feed';
import { MemoryRoomStore } from '../../src/chat/memory/memory-room.store';
import { MemoryRooms } from '../../src/chat/memory/memory-rooms';
import type { MemoryExpiryQueue } from '../../src/expiry/memory-expiry-queue';
import type { FakeClock } from '../support/fake-clock';
import type { ChatKit } from './chat-kit';
import { storeKit } from './store-kit';

export interface MemoryChatKit extends ChatKit {
  readonly feed: MemoryRoomFeed;
  readonly rooms: MemoryRoomStore;
  readonly messages: MemoryMessageStore;
  readonly queue: MemoryExpiryQueue;
  readonly clock: FakeClock;
  readonly state: MemoryRooms;
}

/** The memory driver with a clock that is moved by hand. */
export function memoryChatKit(): MemoryChatKit {
  const { clock, queue } = storeKit();
  const state = new MemoryRooms();
  const feed = new MemoryRoomFeed(state, queue, clock, new Ids());
  return {
    feed,
    memberships: new MemoryMembershipFeed(state, feed, clock),
    standings: new MemoryMembershipStore(state, clock),
    rooms: new MemoryRoomStore(state, clock),
    messages: new MemoryMessageStore(state, clock),
    queue,
    clock,
    state,
    now: () => clock.now(),
    advance: async (ms) => clock.advance(ms),
    close: async () => undefined,
  };
}
