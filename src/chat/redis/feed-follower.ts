import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { AppError } from '../../common/app-error';
import { Nodes } from '../../nodes/nodes';
import { Redis } from '../../storage/redis';
import { RedisChannels } from '../../storage/redis-channels';
import { directMembers } from '../engine/room';
import type { RoomEvent, RoomListener } from '../engine/room-feed';
import { decodeEvent, previousOf } from './codec';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { MISSED } from './room-read-scripts.lua';

/** Events of one room that may wait for one before them that is being fetched. */
const MAX_WAITING = 1000;
/** Rooms looked after at once when the subscription is back. */
const AT_ONCE = 64;
const RETRY_MS = 250;
/** A closed room is remembered for this long, twice at most. */
const CLOSED_MS = 10_000;

/** An event as it comes: see `publish` in `PRELUDE`. A body that is null: what it told is gone. */
interface Arrival {
  readonly kind: string;
  readonly position: number;
  readonly body: string | null;
}

/** A room of users who have sockets on this node. */
interface Tail {
  /** Position of the last event handed on; 0: nothing of it is known; undefined until the first look at the room. */
  last: number | undefined;
  /** Events that wait for earlier ones. */
  waiting: Arrival[];
  /** What was missed is being fetched. */
  fetching: boolean;
  /** More may have been missed since that began. */
  again: boolean;
  /** When the room was closed, `performance.now`; undefined: it stands. Repeats of its end may still come. */
  closedAt: number | undefined;
}

interface Followed {
  count: number;
  ready: Promise<void>;
  loading: boolean;
  readonly rooms: Set<string>;
}

/**
 * Hands the events of rooms to the listeners of this node: those of the rooms of users who have sockets here, each once,
 * in order, without a hole. What does not follow on the last one waits until what is missing was fetched from the
 * room's feed; where that no longer has it, the room counts as missed: its sockets have to come back and resume.
 */
@Injectable()
export class FeedFollower {
  private readonly logger = new Logger(FeedFollower.name);
  private readonly listeners: RoomListener[] = [];
  private readonly missedListeners: ((roomId: string) => void)[] = [];
  private readonly users = new Map<string, Followed>();
  private readonly tails = new Map<string, Tail>();
  private readonly missed: RoomScript<Missed>;

  constructor(
    private readonly redis: Redis,
    private readonly rooms: RedisRooms,
    private readonly channels: RedisChannels,
    private readonly nodes: Nodes,
  ) {
    this.missed = rooms.script(MISSED);
    channels.onResumed(() => this.resume());
    nodes.onExpelled(() => this.tails.clear());
  }

  /** Rooms whose position is known here. */
  get size(): number {
    return this.tails.size;
  }

  subscribe(listener: RoomListener): void {
    this.listeners.push(listener);
  }

  onMissed(listener: (roomId: string) => void): void {
    this.missedListeners.push(listener);
  }

  /** See `RoomFeed.follow`. */
  follow(userId: string): Promise<void> {
    const standing = this.users.get(userId);
    if (standing) {
      standing.count++;
      return standing.ready;
    }
    const followed: Followed = { count: 1, ready: Promise.resolve(), loading: true, rooms: new Set() };
    this.users.set(userId, followed);
    followed.ready = this.begin(userId, followed);
    return followed.ready;
  }

  /** See `RoomFeed.unfollow`. */
  unfollow(userId: string): void {
    const followed = this.users.get(userId);
    if (followed && --followed.count === 0) {
      this.end(userId, followed);
    }
  }

  private async begin(userId: string, followed: Followed): Promise<void> {
    try {
      await this.channels.subscribe(this.rooms.userChannel(userId), (text) => this.receive(text));
      await this.load(userId, followed, false);
    } catch (error) {
      if (this.users.get(userId) === followed) {
        this.end(userId, followed);
      }
      throw error;
    }
  }

  private end(userId: string, followed: Followed): void {
    this.users.delete(userId);
    this.channels.unsubscribe(this.rooms.userChannel(userId));
    for (const roomId of followed.rooms) {
      if (this.followersOf(roomId).length === 0) {
        this.tails.delete(roomId);
      }
    }
  }

  /** Looks where the rooms of a user stand; of those not known here yet nothing is missed, unless this comes `late`. */
  private async load(userId: string, followed: Followed, late: boolean): Promise<void> {
    followed.loading = true;
    const positions = await this.redis.run(async (client) => {
      const roomIds = await client.hkeys(this.rooms.listKey(userId));
      return Promise.all(
        roomIds.map(async (roomId) => ({ roomId, at: await client.hget(this.rooms.key(roomId), 'position') })),
      );
    });
    followed.loading = false;
    if (this.users.get(userId) !== followed) {
      return;
    }
    for (const { roomId, at } of positions) {
      if (at !== null) {
        const tail = this.tails.get(roomId) ?? this.track(roomId);
        followed.rooms.add(roomId);
        tail.last ??= late ? 0 : Number(at);
      }
    }
    for (const roomId of followed.rooms) {
      const tail = this.tails.get(roomId);
      if (tail) {
        tail.last ??= 0;
        this.catchUp(roomId, tail);
      }
    }
  }

  private receive(text: string): void {
    const [kindEnd, positionEnd] = [1, text.indexOf(' ', 2)];
    const roomEnd = text.indexOf(' ', positionEnd + 1);
    const roomId = text.slice(positionEnd + 1, roomEnd);
    const arrival: Arrival = {
      kind: text.slice(0, kindEnd),
      position: Number(text.slice(kindEnd + 1, positionEnd)),
      body: text.slice(roomEnd + 1),
    };
    const tail = this.tails.get(roomId);
    if (tail) {
      this.take(roomId, tail, arrival);
      return;
    }
    const followers = this.followersOf(roomId);
    if (followers.length === 0) {
      return;
    }
    const fresh = this.track(roomId);
    if (arrival.kind === 'o') {
      fresh.last = previousOf(arrival.body ?? '');
    } else if (!followers.some(({ loading }) => loading)) {
      fresh.last = 0;
    }
    this.take(roomId, fresh, arrival);
  }

  private take(roomId: string, tail: Tail, arrival: Arrival): void {
    if (tail.last === undefined || tail.fetching) {
      this.hold(tail, arrival);
    } else if (arrival.position > tail.last) {
      if (follows(arrival, tail.last)) {
        this.handOn(roomId, tail, arrival);
      } else {
        this.hold(tail, arrival);
        void this.fetch(roomId, tail);
      }
    }
  }

  private hold(tail: Tail, arrival: Arrival): void {
    if (tail.waiting.length < MAX_WAITING) {
      tail.waiting.push(arrival);
    } else {
      // What waits stands in the feed as well.
      tail.waiting = [];
      tail.again = true;
    }
  }

  /** Takes up what waited, and fetches what is missing of it. */
  private catchUp(roomId: string, tail: Tail): void {
    if (tail.fetching || tail.last === undefined) {
      return;
    }
    if (tail.again || tail.last === 0) {
      void this.fetch(roomId, tail);
      return;
    }
    const { waiting } = tail;
    tail.waiting = [];
    for (const arrival of waiting) {
      this.take(roomId, tail, arrival);
    }
  }

  private async refetch(roomId: string, tail: Tail): Promise<void> {
    tail.again = true;
    if (!tail.fetching && tail.last !== undefined) {
      await this.fetch(roomId, tail);
    }
  }

  /** Fetches what happened since the last event, until Redis tells or nobody asks any more. */
  private async fetch(roomId: string, tail: Tail): Promise<void> {
    tail.fetching = true;
    do {
      tail.again = false;
      try {
        this.replay(roomId, tail, await this.missed(roomId, tail.last ?? 0));
      } catch (error) {
        tail.again = true;
        if (!(error instanceof AppError)) {
          this.logger.error({ err: error, roomId }, 'What was missed of a room could not be fetched');
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    } while (tail.again && this.tails.get(roomId) === tail);
    tail.fetching = false;
    if (this.tails.get(roomId) === tail) {
      this.catchUp(roomId, tail);
    }
  }

  private replay(roomId: string, tail: Tail, [position, whole, ...events]: Missed): void {
    if (this.tails.get(roomId) !== tail) {
      return;
    }
    if (whole === 0) {
      this.logger.warn({ roomId }, 'Events of a room were missed for good: its sockets have to come back');
      this.missedListeners.forEach((listener) => listener(roomId));
      this.settle(tail, position ?? undefined);
      return;
    }
    for (let i = 0; i < events.length; i += 3) {
      const [kind, at, body] = events.slice(i, i + 3) as [string, number, string | null];
      this.handOn(roomId, tail, { kind, position: at, body });
    }
    this.settle(tail, position ?? undefined);
  }

  /** The room has been looked at, and stood there then; undefined: it is gone. */
  private settle(tail: Tail, position: number | undefined): void {
    if (position === undefined) {
      tail.closedAt = performance.now();
    } else if (position > (tail.last ?? 0)) {
      tail.last = position;
    }
  }

  private handOn(roomId: string, tail: Tail, { kind, position, body }: Arrival): void {
    tail.last = position;
    tail.closedAt = kind === 'c' ? performance.now() : undefined;
    const event = body === null ? undefined : decodeEvent(kind, roomId, position, body);
    if (event) {
      this.tell(event);
    }
  }

  private tell(event: RoomEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error({ err: error, kind: event.kind }, 'A listener of the feed failed');
      }
    }
  }

  private track(roomId: string): Tail {
    const tail: Tail = { last: undefined, waiting: [], fetching: false, again: false, closedAt: undefined };
    this.tails.set(roomId, tail);
    for (const followed of this.followersOf(roomId)) {
      followed.rooms.add(roomId);
    }
    return tail;
  }

  @Interval('closed-rooms', CLOSED_MS)
  protected forgetClosed(): void {
    const before = performance.now() - CLOSED_MS;
    for (const [roomId, { closedAt = Infinity }] of this.tails) {
      if (closedAt < before) {
        this.tails.delete(roomId);
        this.followersOf(roomId).forEach(({ rooms }) => rooms.delete(roomId));
      }
    }
  }

  private followersOf(roomId: string): Followed[] {
    return (directMembers(roomId) ?? []).flatMap((userId) => this.users.get(userId) ?? []);
  }

  /** The subscription is back: what it missed is fetched, of rooms that came to be meanwhile as well. */
  private async resume(): Promise<void> {
    // Where Redis lost everything there is nothing to fetch, and other positions count.
    await this.nodes.confirm();
    const tails = [...this.tails];
    for (let i = 0; i < tails.length; i += AT_ONCE) {
      await Promise.all(tails.slice(i, i + AT_ONCE).map(([roomId, tail]) => this.refetch(roomId, tail)));
    }
    const users = [...this.users];
    for (let i = 0; i < users.length; i += AT_ONCE) {
      await Promise.all(users.slice(i, i + AT_ONCE).map(([userId, followed]) => this.load(userId, followed, true)));
    }
  }
}

type Missed = [position: number | null, whole: number, ...events: (string | number | null)[]];

function follows({ kind, position, body }: Arrival, last: number): boolean {
  return position === last + 1 || (kind === 'o' && body !== null && previousOf(body) === last);
}
