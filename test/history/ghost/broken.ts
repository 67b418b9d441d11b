import type { Claim, Claimed, Countdown } from '../../../src/chat/engine/room-feed';
import { RoomFeed } from '../../../src/chat/engine/room-feed';
import { MessageStore } from '../../../src/chat/engine/message.store';
import { MemoryRoomFeed } from '../../../src/chat/memory/memory-room-feed';
import { RoomDelivery } from '../../../src/realtime/room-delivery';
import { ExpiryQueue } from '../../../src/expiry/expiry-queue';
import { LosingDelivery } from '../broken/deliveries';
import { LateExpiryQueue } from '../broken/feeds';
import { LateMessageStore } from '../broken/stores';
import type { Variant } from '../broken/variants';

/** BROKEN: gives a burn message that waited to everyone who comes. */
class LavishRoomFeed extends MemoryRoomFeed {
  override burn(roomId: string, messageId: string, delayMs: number): Countdown | undefined {
    const countdown = super.burn(roomId, messageId, delayMs);
    return countdown && { ...countdown, first: true };
  }
}

/** BROKEN: tells the others of somebody who comes back on another connection that they went and came. */
class IndiscreetRoomFeed extends MemoryRoomFeed {
  override claim(claim: Claim): Claimed | undefined {
    const claimed = super.claim(claim);
    if (claimed?.taken === false && claim.proof !== undefined) {
      this.forget(claim);
      return super.claim(claim);
    }
    return claimed;
  }
}

/** BROKEN: starts no countdown. */
class PatientRoomFeed extends MemoryRoomFeed {
  override burn(): undefined {
    return undefined;
  }
}

/** Servers that break one promise of anonymous rooms each. */
export const BROKEN_GHOSTS: readonly Variant[] = [
  {
    name: 'a delivery that loses events of anonymous rooms',
    replace: (builder) => builder.overrideProvider(RoomDelivery).useClass(LosingDelivery),
    kinds: ['lost'],
  },
  {
    name: 'a waiting burn message that everyone gets',
    replace: (builder) => builder.overrideProvider(RoomFeed).useClass(LavishRoomFeed),
    kinds: ['reveal'],
  },
  {
    name: 'a change of connection that is told to the others',
    replace: (builder) => builder.overrideProvider(RoomFeed).useClass(IndiscreetRoomFeed),
    kinds: ['presence'],
  },
  {
    name: 'burn messages that stay',
    replace: (builder) => builder.overrideProvider(RoomFeed).useClass(PatientRoomFeed),
    kinds: ['not-dropped'],
  },
  {
    name: 'a history that shows what has expired',
    replace: (builder) =>
      builder
        .overrideProvider(MessageStore)
        .useClass(LateMessageStore)
        .overrideProvider(ExpiryQueue)
        .useClass(LateExpiryQueue),
    kinds: ['after-expiry'],
  },
];
