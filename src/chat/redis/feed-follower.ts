import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Clock } from '../../common/clock';
import { Nodes } from '../../nodes/nodes';
import { Redis } from '../../storage/redis';
import { RedisChannels } from '../../storage/redis-channels';
import type { RoomEvent, RoomListener } from '../engine/room-event';
import { previousOf } from './event-codec';
import { RedisRooms, type RoomScript } from './redis-rooms';
import { MISSED } from './room-read-scripts.lua';
import { type Missed, parseArrival, RoomTail, type TailSource } from './room-tail';

/** Rooms looked after at once when the subscription is back. */
const AT_ONCE = 64;
/** A closed room is remembered for this long, twice at most. */
const CLOSED_MS = 10_000;

/** A channel that this node listens to: of a user, or of one room. */
interface Following {
  readonly channel: string;
  count: number;
  ready: Promise<void>;
  loading: boolean;
  /** Rooms whose events come by it, as far as they are known to stand. */
  readonly rooms: Set<string>;
  /** Rooms whose events come by it, as Redis knows them now. */
  list(): Promise<string[]>;
}

/**
 * Hands the events of rooms to the listeners of this node: those of the direct rooms of users who have sockets here, and
 * those of other rooms that sockets here joined; each once, in order, without a hole (see `RoomTail`). Where a room's feed
 * no longer has what is missing, the room counts as missed: its sockets have to come back and resume.
 */
@Injectable()
export class FeedFollower implements TailSource {
  private readonly logger = new Logger(FeedFollower.name);
  private readonly listeners: RoomListener[] = [];
  private readonly missedListeners: ((roomId: string) => void)[] = [];
  /** By channel. */
  private readonly followings = new Map<string, Following>();
  private readonly tails = new Map<string, RoomTail>();
  private readonly missedScript: RoomScript<Missed>;

  constructor(
    private readonly redis: Redis,
    private readonly rooms: RedisRooms,
    private readonly channels: RedisChannels,
    private readonly nodes: Nodes,
    private readonly clock: Clock,
  ) {
    this.missedScript = rooms.script(MISSED);
    channels.onResumed(() => this.resume());
    nodes.onExpelled(() => this.drop(...this.tails.keys()));
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
    const channel = this.rooms.userChannel(userId);
    return this.add(channel, async () => {
      const roomIds = await this.redis.run((client) => client.hkeys(this.rooms.listKey(userId)));
      return roomIds.filter((roomId) => this.rooms.channelsOf(roomId).includes(channel));
    });
  }

  /** See `RoomFeed.unfollow`. */
  unfollow(userId: string): void {
    this.remove(this.rooms.userChannel(userId));
  }

  /** See `RoomFeed.followRoom`. */
  followRoom(roomId: string): Promise<void> {
    return this.add(this.rooms.roomChannel(roomId), () => Promise.resolve([roomId]));
  }

  /** See `RoomFeed.unfollowRoom`. */
  unfollowRoom(roomId: string): void {
    this.remove(this.rooms.roomChannel(roomId));
  }

  missed(roomId: string, last: number): Promise<Missed> {
    return this.missedScript(roomId, last);
  }

  lost(roomId: string): void {
    this.missedListeners.forEach((listener) => listener(roomId));
  }

  /** What came so late that its deadline was first is told by nobody. */
  tell(event: RoomEvent): void {
    if (showsGone(event, this.clock.now())) {
      return;
    }
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error({ err: error, kind: event.kind }, 'A listener of the feed failed');
      }
    }
  }

  private add(channel: string, list: Following['list']): Promise<void> {
    const standing = this.followings.get(channel);
    if (standing) {
      standing.count++;
      return standing.ready;
    }
    const fresh: Following = { channel, count: 1, ready: Promise.resolve(), loading: true, rooms: new Set(), list };
    this.followings.set(channel, fresh);
    fresh.ready = this.begin(fresh);
    return fresh.ready;
  }

  private remove(channel: string): void {
    const following = this.followings.get(channel);
    if (following && --following.count === 0) {
      this.end(following);
    }
  }

  private async begin(following: Following): Promise<void> {
    try {
      await this.channels.subscribe(following.channel, (text) => this.receive(text));
      await this.load(following, false);
    } catch (error) {
      if (this.stands(following)) {
        this.end(following);
      }
      throw error;
    }
  }

  private end(following: Following): void {
    this.followings.delete(following.channel);
    this.channels.unsubscribe(following.channel);
    for (const roomId of following.rooms) {
      if (this.followingsOf(roomId).length === 0) {
        this.drop(roomId);
      }
    }
  }

  /** Looks where the rooms stand; of those not known here yet nothing is missed, unless this comes `late`. */
  private async load(following: Following, late: boolean): Promise<void> {
    following.loading = true;
    const roomIds = await following.list();
    const positions = await this.redis.run((client) =>
      Promise.all(
        roomIds.map(async (roomId) => ({ roomId, at: await client.hget(this.rooms.key(roomId), 'position') })),
      ),
    );
    following.loading = false;
    if (!this.stands(following)) {
      return;
    }
    for (const { roomId, at } of positions) {
      if (at !== null) {
        const tail = this.tails.get(roomId) ?? this.track(roomId);
        following.rooms.add(roomId);
        tail.last ??= late ? 0 : Number(at);
      }
    }
    for (const roomId of following.rooms) {
      const tail = this.tails.get(roomId);
      if (tail) {
        tail.last ??= 0;
        tail.catchUp();
      }
    }
  }

  private receive(text: string): void {
    const { roomId, arrival } = parseArrival(text);
    const tail = this.tails.get(roomId);
    if (tail) {
      tail.take(arrival);
      return;
    }
    const followings = this.followingsOf(roomId);
    if (followings.length === 0) {
      return;
    }
    const fresh = this.track(roomId);
    if (arrival.kind === 'o') {
      fresh.last = previousOf(arrival.body ?? '');
    } else if (!followings.some(({ loading }) => loading)) {
      fresh.last = 0;
    }
    fresh.take(arrival);
  }

  private track(roomId: string): RoomTail {
    const tail = new RoomTail(roomId, this);
    this.tails.set(roomId, tail);
    for (const following of this.followingsOf(roomId)) {
      following.rooms.add(roomId);
    }
    return tail;
  }

  private drop(...roomIds: string[]): void {
    for (const roomId of roomIds) {
      this.tails.get(roomId)?.end();
      this.tails.delete(roomId);
    }
  }

  @Interval('closed-rooms', CLOSED_MS)
  protected forgetClosed(): void {
    const before = performance.now() - CLOSED_MS;
    for (const [roomId, { closedAt = Infinity }] of this.tails) {
      if (closedAt < before) {
        this.drop(roomId);
        this.followingsOf(roomId).forEach(({ rooms }) => rooms.delete(roomId));
      }
    }
  }

  private stands(following: Following): boolean {
    return this.followings.get(following.channel) === following;
  }

  private followingsOf(roomId: string): Following[] {
    return this.rooms.channelsOf(roomId).flatMap((channel) => this.followings.get(channel) ?? []);
  }

  /** The subscription is back: what it missed is fetched, of rooms that came to be meanwhile as well. */
  private async resume(): Promise<void> {
    // Where Redis lost everything there is nothing to fetch, and other positions count.
    await this.nodes.confirm();
    const tails = [...this.tails.values()];
    for (let i = 0; i < tails.length; i += AT_ONCE) {
      await Promise.all(tails.slice(i, i + AT_ONCE).map((tail) => tail.refetch()));
    }
    const followings = [...this.followings.values()];
    for (let i = 0; i < followings.length; i += AT_ONCE) {
      await Promise.all(followings.slice(i, i + AT_ONCE).map((following) => this.load(following, true)));
    }
  }
}

function showsGone(event: RoomEvent, now: number): boolean {
  if (event.kind !== 'message' && event.kind !== 'edited') {
    return false;
  }
  const { expiresAt } = event.message;
  return expiresAt !== null && expiresAt <= now;
}
