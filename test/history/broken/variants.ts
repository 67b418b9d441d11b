import type { Type } from '@nestjs/common';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { MessageStore } from '../../../src/chat/engine/message.store';
import { MembershipFeed } from '../../../src/chat/engine/membership-feed';
import { RoomFeed } from '../../../src/chat/engine/room-feed';
import { RoomEntry } from '../../../src/chat/room-entry';
import { ExpiryQueue } from '../../../src/expiry/expiry-queue';
import { RoomDelivery } from '../../../src/realtime/room-delivery';
import type { Kind } from '../violations';
import { DeafDelivery, HoldlessDelivery, LosingDelivery } from './deliveries';
import { HospitableRoomEntry } from './entries';
import { ForgivingMembershipFeed } from './memberships';
import {
  EuphemisticRoomFeed,
  ForgetfulRoomFeed,
  GenerousRoomFeed,
  HastyRoomFeed,
  LateExpiryQueue,
  LengtheningRoomFeed,
  SecretiveRoomFeed,
  SeparateRoomFeed,
  TaciturnRoomFeed,
} from './feeds';
import {
  ForgetfulMessageStore,
  GenerousMessageStore,
  LateMessageStore,
  LosingMessageStore,
  NostalgicMessageStore,
  QuotingMessageStore,
  SlowMessageStore,
  TalkativeMessageStore,
} from './stores';

/** A server that breaks one promise. */
export interface Variant {
  readonly name: string;
  readonly replace: (builder: TestingModuleBuilder) => unknown;
  /** What must be found; what follows from it in a run may be found too. */
  readonly kinds: readonly Kind[];
}

type Replace = Variant['replace'];

const feed =
  (type: Type<RoomFeed>): Replace =>
  (builder) =>
    builder.overrideProvider(RoomFeed).useClass(type);
const store =
  (type: Type<MessageStore>): Replace =>
  (builder) =>
    builder.overrideProvider(MessageStore).useClass(type);
const delivery =
  (type: Type<RoomDelivery>): Replace =>
  (builder) =>
    builder.overrideProvider(RoomDelivery).useClass(type);

/** A good server whose store is slow, with some parts replaced. */
const slow =
  (...parts: Replace[]): Replace =>
  (builder) =>
    [store(SlowMessageStore), ...parts].forEach((replace) => replace(builder));

/** Breaks no promise. */
export const GOOD: Variant = { name: 'a good server whose store is slow', replace: slow(), kinds: [] };

export const BROKEN: readonly Variant[] = [
  {
    name: 'publish outside the append',
    replace: slow(feed(SeparateRoomFeed)),
    kinds: ['reordered'],
  },
  {
    name: 'a join without hold-back',
    replace: slow(delivery(HoldlessDelivery)),
    kinds: ['hole'],
  },
  { name: 'a store that forgets dedupe', replace: slow(feed(ForgetfulRoomFeed)), kinds: ['doubled'] },
  {
    name: 'late expiry',
    replace: slow(store(LateMessageStore), (builder) =>
      builder.overrideProvider(ExpiryQueue).useClass(LateExpiryQueue),
    ),
    kinds: ['after-expiry'],
  },
  {
    name: 'a resume that keeps what is gone',
    replace: slow(store(GenerousMessageStore)),
    kinds: ['unaccounted'],
  },
  {
    name: 'a resume that loses messages',
    replace: slow(store(LosingMessageStore)),
    kinds: ['lost'],
  },
  {
    name: 'a delivery that loses events',
    replace: slow(delivery(LosingDelivery)),
    kinds: ['hole'],
  },
  { name: 'a delivery that heeds no leave', replace: slow(delivery(DeafDelivery)), kinds: ['after-leave'] },
  {
    name: 'a store that forgets who has read',
    replace: slow(store(ForgetfulMessageStore)),
    kinds: ['status'],
  },
  { name: 'a reveal that hands out twice', replace: slow(feed(GenerousRoomFeed)), kinds: ['reveal'] },
  {
    name: 'a resume that shows what was not revealed',
    replace: slow(store(TalkativeMessageStore)),
    kinds: ['exposed'],
  },
  {
    name: 'a deadline that moves away',
    replace: slow(feed(LengtheningRoomFeed)),
    kinds: ['deadline'],
  },
  {
    name: 'a moved deadline that nobody is told',
    replace: slow(feed(SecretiveRoomFeed)),
    kinds: ['deadline'],
  },
  { name: 'a burnt message told as expired', replace: slow(feed(EuphemisticRoomFeed)), kinds: ['reason'] },
  {
    name: 'joins that show what was edited and deleted as it was',
    replace: slow(store(NostalgicMessageStore)),
    kinds: ['undeleted', 'stale'],
  },
  {
    name: 'replies that keep what they answer',
    replace: slow(store(QuotingMessageStore)),
    kinds: ['preview'],
  },
  {
    name: 'edits and deletions that nobody is told',
    replace: slow(feed(TaciturnRoomFeed)),
    kinds: ['untold'],
  },
  {
    name: 'a kick that leaves sockets in the room',
    replace: slow((builder) => builder.overrideProvider(RoomEntry).useClass(HospitableRoomEntry)),
    kinds: ['after-kick'],
  },
  {
    name: 'a ban that is no more than a kick',
    replace: slow((builder) => builder.overrideProvider(MembershipFeed).useClass(ForgivingMembershipFeed)),
    kinds: ['banned'],
  },
  { name: 'a room that is wiped too early', replace: slow(feed(HastyRoomFeed)), kinds: ['wiped'] },
];
