import type { Awaitable } from '../../src/common/awaitable';
import { Ids } from '../../src/common/ids';
import type { ExpiryQueue } from '../../src/expiry/expiry-queue';
import type { MembershipFeed } from '../../src/chat/engine/membership-feed';
import type { MembershipStore } from '../../src/chat/engine/membership.store';
import type { MessageStore } from '../../src/chat/engine/message.store';
import type { Message, MessageDraft, MessageStatus } from '../../src/chat/engine/message';
import { directRoomId, type Room, type RoomDraft, type RoomSettings } from '../../src/chat/engine/room';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import type {
  Appended,
  AppendLimits,
  Occupant,
  Receipt,
  ReceiptRange,
  RoomFeed,
} from '../../src/chat/engine/room-feed';
import type { RoomStore } from '../../src/chat/engine/room.store';

/** The chat stores of one driver over one state that is empty, ready: what is subscribed now hears what comes next. */
export interface ChatKit {
  readonly feed: RoomFeed;
  readonly rooms: RoomStore;
  readonly messages: MessageStore;
  readonly memberships: MembershipFeed;
  readonly standings: MembershipStore;
  /** Where the feed puts its deadlines. */
  readonly queue: ExpiryQueue;
  /** The driver's clock, epoch ms. */
  now(): Awaitable<number>;
  /** Lets this much time pass by the driver's clock: a fake clock is moved, a real one waited for. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

export type MakeChatKit = () => Awaitable<ChatKit>;

/** A lifetime that a test waits for, seconds: the shortest there is. */
export const SHORT_S = 1;
export const SHORT_MS = SHORT_S * 1000;
/** A lifetime that no test lives to see, seconds. */
export const LONG_S = 3600;

export const LIMITS: AppendLimits = {
  messagesPerRoom: 10_000,
  totalBytes: 256 * 1024 * 1024,
  maxLifetimeMs: 30 * 86_400_000,
};

/** Reads, where it does not matter who does. */
export const VIEWER = 'viewer';

/** Everything of a room of these tests. */
export const ALL = { count: 1000, bytes: 16 * 1024 * 1024 };

export const SETTINGS: RoomSettings = {
  maxMembers: 2,
  messageTtl: LONG_S,
  allowFileSharing: true,
  moderationEnabled: false,
  slowModeSeconds: 0,
  encrypted: false,
};

/** How long an event is waited for: on Redis it comes by pub/sub. */
const EVENT_TIMEOUT_MS = 5000;
const POLL_MS = 2;
const PLENTY = 1000;

/** A direct room and its two members. */
export interface Pair {
  readonly roomId: string;
  readonly epoch: string;
  readonly alice: string;
  readonly bob: string;
}

const ids = new Ids();

/** The stores under test with what every suite needs: rooms, messages, and what the feed told. */
export class ChatBench {
  private current: ChatKit | undefined;
  private events: RoomEvent[] = [];
  /** Events of each room that `news` gave already. */
  private readonly given = new Map<string, number>();
  /** Users of whose rooms this node hears. */
  private readonly followed = new Map<string, Promise<void>>();

  get kit(): ChatKit {
    if (!this.current) {
      throw new Error('There are no stores outside a test');
    }
    return this.current;
  }

  begin(kit: ChatKit): void {
    const events: RoomEvent[] = [];
    kit.feed.subscribe((event) => events.push(event));
    this.current = kit;
    this.events = events;
    this.given.clear();
    this.followed.clear();
  }

  async end(): Promise<void> {
    const kit = this.current;
    this.current = undefined;
    for (const userId of this.followed.keys()) {
      kit?.feed.unfollow(userId);
    }
    await kit?.close();
  }

  /** A draft of the direct room of two users, whom nobody knows yet unless they are given. */
  draft(changes: Partial<RoomDraft> = {}, alice = ids.id(), bob = ids.id()): RoomDraft {
    return {
      id: directRoomId(alice, bob),
      type: 'direct',
      epoch: ids.id(),
      members: [
        { userId: alice, username: 'alice' },
        { userId: bob, username: 'bob' },
      ],
      settings: SETTINGS,
      createdAt: Date.UTC(2030, 0, 1),
      openedBy: alice,
      ...changes,
    };
  }

  /** Opens the room, followed as nodes do: for its members where it is direct. A node of many hears of no others. */
  async open(draft: RoomDraft, roomsPerUser = PLENTY): Promise<{ room: Room; opened: boolean }> {
    if (draft.type === 'direct') {
      await Promise.all(draft.members.map(({ userId }) => this.follow(userId)));
    } else {
      await this.kit.feed.followRoom(draft.id);
    }
    return this.kit.feed.open(draft, roomsPerUser);
  }

  private follow(userId: string): Promise<void> {
    const standing = this.followed.get(userId);
    const following = standing ?? Promise.resolve(this.kit.feed.follow(userId));
    this.followed.set(userId, following);
    return following;
  }

  /** A draft of a room of two members that is heard by joining. */
  groupDraft(changes: Partial<RoomDraft> = {}): RoomDraft {
    const draft = this.draft(changes);
    return { ...draft, type: 'private', id: changes.id ?? `room_${draft.epoch}` };
  }

  /** Opens a direct room of two new users. */
  async pair(settings: Partial<RoomSettings> = {}): Promise<Pair> {
    const draft = this.draft({ settings: { ...SETTINGS, ...settings }, createdAt: await this.kit.now() });
    await this.open(draft);
    return pairOf(draft);
  }

  async append(draft: MessageDraft, limits: Partial<AppendLimits> = {}): Promise<Appended | undefined> {
    return this.kit.feed.append(draft, { ...LIMITS, ...limits });
  }

  /** Sends as the room's first member, unless told, and gives the message as it was acked. */
  async send(pair: Pair, changes: Partial<MessageDraft> = {}, limits: Partial<AppendLimits> = {}): Promise<Message> {
    const appended = await this.append(this.message(pair, changes), limits);
    if (!appended) {
      throw new Error('There is no such room');
    }
    return appended.message;
  }

  /** Sends this many messages of the same kind, one after another. */
  async sendMany(count: number, pair: Pair, changes: Partial<MessageDraft> = {}): Promise<Message[]> {
    const messages: Message[] = [];
    for (let i = 1; i <= count; i++) {
      messages.push(await this.send(pair, { content: `message ${i}`, ...changes }));
    }
    return messages;
  }

  message(pair: Pair, changes: Partial<MessageDraft> = {}): MessageDraft {
    const senderId = changes.senderId ?? pair.alice;
    return {
      roomId: pair.roomId,
      senderId,
      senderUsername: senderId === pair.bob ? 'bob' : 'alice',
      type: 'text',
      content: 'hello',
      ttl: undefined,
      expireFrom: 'sent',
      burn: false,
      clientId: undefined,
      system: undefined,
      image: undefined,
      ...changes,
    };
  }

  systemMessage(pair: Pair): MessageDraft {
    const system = { kind: 'settings' as const, actorId: pair.alice };
    return this.message(pair, { type: 'system', content: 'alice changed the settings', system });
  }

  async raise(
    pair: Pair,
    status: Exclude<MessageStatus, 'sent'>,
    range: ReceiptRange,
    changes: Partial<Receipt> = {},
  ): Promise<{ waiting: number } | undefined> {
    const receipt = { roomId: pair.roomId, userId: pair.bob, status, range, socketId: undefined };
    return this.kit.feed.raise({ ...receipt, ...changes });
  }

  async enter(pair: Pair, userId: string, socketId: string): Promise<void> {
    await this.kit.feed.enter(occupant(pair, userId, socketId));
  }

  async leave(pair: Pair, userId: string, socketId: string): Promise<void> {
    await this.kit.feed.leave(occupant(pair, userId, socketId));
  }

  async forget(pair: Pair, userId: string, socketId: string): Promise<void> {
    await this.kit.feed.forget(occupant(pair, userId, socketId));
  }

  /** The live messages of a room, by the shortest of the paths that serve them. */
  async live(pair: Pair): Promise<Message[]> {
    return (await this.kit.messages.page(pair.roomId, VIEWER, undefined, ALL)).messages;
  }

  /** Events of a room that came until now. */
  eventsOf(roomId: string): RoomEvent[] {
    return this.events.filter((event) => event.roomId === roomId);
  }

  /** What was told of a room since the last call, once everything that happened in it has been told. */
  async news(roomId: string): Promise<RoomEvent[]> {
    const life = await this.kit.rooms.life(roomId);
    await this.until(() => {
      const last = this.eventsOf(roomId).at(-1);
      return life ? last?.position === life.position : last?.kind === 'closed';
    }, `the last event of ${roomId}`);
    const events = this.eventsOf(roomId);
    const fresh = events.slice(this.given.get(roomId) ?? 0);
    this.given.set(roomId, events.length);
    return fresh;
  }

  /** Waits until something holds. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + EVENT_TIMEOUT_MS;
    while (!holds()) {
      if (performance.now() > deadline) {
        throw new Error(`${what} did not come; what came: ${this.events.map(({ kind }) => kind).join(', ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** A bench with stores of its own for each test of the surrounding `describe`. */
export function useChat(makeKit: MakeChatKit): ChatBench {
  const bench = new ChatBench();
  beforeEach(async () => bench.begin(await makeKit()));
  afterEach(() => bench.end());
  return bench;
}

export function pairOf({ id, epoch, members }: RoomDraft): Pair {
  const [alice, bob] = members;
  return { roomId: id, epoch, alice: alice?.userId ?? '', bob: bob?.userId ?? '' };
}

function occupant(pair: Pair, userId: string, socketId: string): Occupant {
  return { roomId: pair.roomId, userId, socketId };
}

/** The error of a call that must fail. */
export function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export const seqsOf = (messages: readonly { seq: number }[]): number[] => messages.map(({ seq }) => seq);
export const idsOf = (messages: readonly { id: string }[]): string[] => messages.map(({ id }) => id);
export const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
