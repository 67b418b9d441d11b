import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  type MemberReceipt,
  MessageStore,
  type PageLimits,
  type ResumePoint,
  type Snapshot,
} from '../../../src/chat/engine/message.store';
import type { Message } from '../../../src/chat/engine/message';
import { MemoryMessageStore } from '../../../src/chat/memory/memory-message.store';
import { MemoryRooms } from '../../../src/chat/memory/memory-rooms';
import { Clock } from '../../../src/common/clock';

const MAX_DELAY_MS = 25;
/** By how much what is late is late. */
export const LATE_MS = 1000;

export const delay = (): Promise<void> => sleep(Math.random() * MAX_DELAY_MS);

/**
 * Good, and as slow as a store beyond a network: a join of the plain memory store is over before anybody else gets a
 * word in, and nothing could be wrong with it.
 */
@Injectable()
export class SlowMessageStore extends MessageStore {
  private readonly store: MemoryMessageStore;

  constructor(state: MemoryRooms, clock: Clock) {
    super();
    this.store = new MemoryMessageStore(state, clock);
  }

  override find(roomId: string, viewer: string, messageId: string): Message | undefined {
    return this.store.find(roomId, viewer, messageId);
  }

  override receipts(
    ...args: Parameters<MessageStore['receipts']>
  ): Promise<readonly MemberReceipt[] | 'foreign' | undefined> {
    return Promise.resolve(this.store.receipts(...args));
  }

  override reports(roomId: string): ReturnType<MemoryMessageStore['reports']> {
    return this.store.reports(roomId);
  }

  override isRevealed(roomId: string, userId: string, messageId: string): boolean {
    return this.store.isRevealed(roomId, userId, messageId);
  }

  override findShowing(roomId: string, viewer: string, holder: string): Message | undefined {
    return this.store.findShowing(roomId, viewer, holder);
  }

  override page(
    roomId: string,
    viewer: string,
    before: number | undefined,
    limits: PageLimits,
  ): ReturnType<MemoryMessageStore['page']> {
    return this.store.page(roomId, viewer, before, limits);
  }

  override async snapshot(
    roomId: string,
    viewer: string,
    from: ResumePoint | undefined,
    limits: PageLimits,
  ): Promise<Snapshot | undefined> {
    await delay();
    const snapshot = this.store.snapshot(roomId, viewer, from, limits);
    await delay();
    return snapshot && this.tell(snapshot, from);
  }

  /** What of a snapshot is told. */
  protected tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    return snapshot;
  }
}

/** BROKEN: serves every message for a second after its deadline. */
@Injectable()
export class LateMessageStore extends SlowMessageStore {
  constructor(state: MemoryRooms, clock: Clock) {
    super(state, { now: () => clock.now() - LATE_MS });
  }

  protected override tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    return { ...snapshot, at: snapshot.at + LATE_MS };
  }
}

/** BROKEN: tells a client that everything it may hold still stands. */
export class GenerousMessageStore extends SlowMessageStore {
  protected override tell(snapshot: Snapshot, from: ResumePoint | undefined): Snapshot {
    const everything = from && from.since > 0 && !snapshot.gap;
    return everything ? { ...snapshot, live: [[1, from.since]] } : snapshot;
  }
}

/** BROKEN: forgets who has read what, now and then. */
export class ForgetfulMessageStore extends SlowMessageStore {
  protected override tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    const forget = (message: Message): Message =>
      message.type !== 'system' && Math.random() < 0.2 ? { ...message, status: 'sent' } : message;
    return { ...snapshot, messages: snapshot.messages.map(forget) };
  }
}

/** BROKEN: a join shows recipients what they have not revealed. */
export class TalkativeMessageStore extends SlowMessageStore {
  protected override tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    return { ...snapshot, messages: snapshot.messages.map((message) => ({ ...message, burn: false })) };
  }
}

/** BROKEN: shows messages as it read them first, though they were edited or deleted. */
export class NostalgicMessageStore extends SlowMessageStore {
  private readonly first = new Map<string, Message>();

  protected override tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    const asFirst = (message: Message): Message => {
      const first = this.first.get(message.id) ?? message;
      this.first.set(message.id, first);
      const { type, content, clientId } = first;
      return { ...message, type, content, clientId };
    };
    return { ...snapshot, messages: snapshot.messages.map(asFirst), changed: snapshot.changed.map(asFirst) };
  }
}

/** BROKEN: replies show what they answer as it was when they were read first, edited, deleted or gone since. */
export class QuotingMessageStore extends SlowMessageStore {
  private readonly first = new Map<string, Message['replyTo']>();

  protected override tell(snapshot: Snapshot, _from: ResumePoint | undefined): Snapshot {
    const asFirst = (message: Message): Message => {
      const replyTo = this.first.get(message.id) ?? message.replyTo;
      this.first.set(message.id, replyTo);
      return message.type === 'deleted' ? message : { ...message, replyTo };
    };
    return { ...snapshot, messages: snapshot.messages.map(asFirst), changed: snapshot.changed.map(asFirst) };
  }
}

/** BROKEN: a resume leaves out the first message that the client missed. */
export class LosingMessageStore extends SlowMessageStore {
  protected override tell(snapshot: Snapshot, from: ResumePoint | undefined): Snapshot {
    return from && !snapshot.gap ? { ...snapshot, messages: snapshot.messages.slice(1) } : snapshot;
  }
}
