import type { TestingModuleBuilder } from '@nestjs/testing';
import { MessageStore } from '../../../src/chat/engine/message.store';
import { RoomFeed } from '../../../src/chat/engine/room-feed';
import { ExpiryQueue } from '../../../src/expiry/expiry-queue';
import { RoomDelivery } from '../../../src/realtime/room-delivery';
import type { Kind } from '../violations';
import { DeafDelivery, HoldlessDelivery, LosingDelivery } from './deliveries';
import { ForgetfulRoomFeed, HastyRoomFeed, LateExpiryQueue, SeparateRoomFeed } from './feeds';
import {
  ForgetfulMessageStore,
  GenerousMessageStore,
  LateMessageStore,
  LosingMessageStore,
  SlowMessageStore,
} from './stores';

/** A server that breaks one promise. */
export interface Variant {
  readonly name: string;
  readonly replace: (builder: TestingModuleBuilder) => void;
  /** What must be found. */
  readonly kinds: readonly Kind[];
  /** What may be found with it; nothing else may. */
  readonly also: readonly Kind[];
}

const slow = (builder: TestingModuleBuilder): TestingModuleBuilder =>
  builder.overrideProvider(MessageStore).useClass(SlowMessageStore);

/** Breaks no promise. */
export const GOOD: Variant = { name: 'a good server whose store is slow', replace: slow, kinds: [], also: [] };

export const BROKEN: readonly Variant[] = [
  {
    name: 'publish outside the append',
    replace: (builder) => slow(builder).overrideProvider(RoomFeed).useClass(SeparateRoomFeed),
    kinds: ['reordered'],
    also: ['hole', 'doubled', 'status', 'lost', 'not-dropped', 'after-leave'],
  },
  {
    name: 'a join without hold-back',
    replace: (builder) => slow(builder).overrideProvider(RoomDelivery).useClass(HoldlessDelivery),
    kinds: ['hole'],
    also: ['lost', 'status', 'not-dropped', 'doubled'],
  },
  {
    name: 'a store that forgets dedupe',
    replace: (builder) => slow(builder).overrideProvider(RoomFeed).useClass(ForgetfulRoomFeed),
    kinds: ['doubled'],
    also: [],
  },
  {
    name: 'late expiry',
    replace: (builder) =>
      builder
        .overrideProvider(MessageStore)
        .useClass(LateMessageStore)
        .overrideProvider(ExpiryQueue)
        .useClass(LateExpiryQueue),
    kinds: ['after-expiry'],
    // The feed raises nothing any more that the store still shows.
    also: ['not-dropped', 'unaccounted', 'status'],
  },
  {
    name: 'a resume that keeps what is gone',
    replace: (builder) => builder.overrideProvider(MessageStore).useClass(GenerousMessageStore),
    kinds: ['unaccounted'],
    also: ['not-dropped'],
  },
  {
    name: 'a resume that loses messages',
    replace: (builder) => builder.overrideProvider(MessageStore).useClass(LosingMessageStore),
    kinds: ['lost'],
    also: ['unaccounted'],
  },
  {
    name: 'a delivery that loses events',
    replace: (builder) => slow(builder).overrideProvider(RoomDelivery).useClass(LosingDelivery),
    kinds: ['hole'],
    also: ['lost', 'status', 'not-dropped', 'corrupt', 'doubled', 'wiped', 'reordered'],
  },
  {
    name: 'a delivery that does not heed leaves',
    replace: (builder) => slow(builder).overrideProvider(RoomDelivery).useClass(DeafDelivery),
    kinds: ['after-leave'],
    also: [],
  },
  {
    name: 'a store that forgets who has read',
    replace: (builder) => builder.overrideProvider(MessageStore).useClass(ForgetfulMessageStore),
    kinds: ['status'],
    also: [],
  },
  {
    name: 'a room that is wiped too early',
    replace: (builder) => slow(builder).overrideProvider(RoomFeed).useClass(HastyRoomFeed),
    kinds: ['wiped'],
    also: [],
  },
];
