import { Logger } from '@nestjs/common';
import type { Message } from '../../src/chat/engine/message';
import type { RoomDraft } from '../../src/chat/engine/room';
import type { RoomEvent } from '../../src/chat/engine/room-event';
import { ChatBench, LIMITS, type Pair, pairOf, seqsOf } from '../contract/chat-kit';
import { type RedisChatKit, redisChatKit } from '../contract/redis-chat-kit';
import { describeRedis, type RedisServer, uniquePrefix } from '../support/redis-server';
import { until } from '../support/until';

Logger.overrideLogger(false);

/** Rooms heard by their members, and rooms heard by who joined. */
const KINDS = ['direct', 'private'] as const;

describeRedis('The feed of a node that missed something', (server) => {
  describe.each(KINDS)('of a %s room', (kind) => feedOf(kind, server));
});

function feedOf(kind: (typeof KINDS)[number], server: RedisServer): void {
  const bench = new ChatBench();
  let here: RedisChatKit;
  let there: RedisChatKit;
  let events: RoomEvent[];
  let missed: string[];

  beforeEach(async () => {
    const prefix = uniquePrefix();
    [here, there] = [await redisChatKit(server, prefix), await redisChatKit(server, prefix)];
    bench.begin(here);
    [events, missed] = [[], []];
    there.feed.subscribe((event) => events.push(event));
    there.feed.onMissed((roomId) => missed.push(roomId));
  });

  afterEach(async () => {
    await Promise.all([bench.end(), there.close()]);
  });

  const draftOf = (alice?: string, bob?: string, id?: string): RoomDraft => {
    const draft = bench.draft({}, alice, bob);
    return kind === 'direct' ? draft : { ...draft, type: kind, id: id ?? `joined_${draft.epoch}` };
  };
  const follow = async (draft: RoomDraft): Promise<void> =>
    kind === 'direct' ? there.feed.follow(pairOf(draft).bob) : there.feed.followRoom(draft.id);
  const unfollow = (pair: Pair): void =>
    kind === 'direct' ? there.feed.unfollow(pair.bob) : there.feed.unfollowRoom(pair.roomId);

  /** A room that the other node follows, for its second member where it is direct. */
  async function followed(): Promise<Pair> {
    const draft = draftOf();
    await follow(draft);
    await bench.open(draft);
    return pairOf(draft);
  }

  /** What is published from now on does not reach the other node, until `end` of it. */
  const deaf = (pair: Pair): { end(): Promise<void> } => {
    const cut = jest
      .spyOn(there.follower as unknown as { receive(text: string): void }, 'receive')
      .mockImplementation();
    const channel = here.node.redis.key(...(kind === 'direct' ? ['feed', pair.bob] : ['feed-room', pair.roomId]));
    return {
      end: async () => {
        // Whatever was published before has come when this has.
        await here.node.redis.run((client) => client.publish(channel, 'the end'));
        await until(() => cut.mock.calls.some(([text]) => text === 'the end'));
        cut.mockRestore();
      },
    };
  };

  const told = (): number[] => seqsOf(events.flatMap((event) => (event.kind === 'message' ? event.message : [])));
  const kinds = (): string[] => events.map(({ kind }) => kind);
  const inOrder = (): void => {
    const positions = events.map(({ position }) => position);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(positions.length);
  };

  it('fetches it as soon as the next event comes, and hands it on before that', async () => {
    const pair = await followed();
    await bench.send(pair);
    await until(() => told().length === 1);
    const cut = deaf(pair);
    await bench.sendMany(5, pair);
    await bench.raise(pair, 'seen', { upToSeq: 2 });
    await here.feed.setPublicKey(pair.roomId, pair.alice, 'key');
    await here.feed.configure(pair.roomId, { messageTtl: 60 });
    await bench.enter(pair, pair.alice, 'a1');
    await cut.end();
    await bench.send(pair);
    await until(() => told().length === 7);
    expect(told()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(kinds().slice(-5)).toEqual(['status', 'key', 'updated', 'joined', 'message']);
    expect(events.find(({ kind }) => kind === 'status')).toMatchObject({
      status: 'seen',
      userId: pair.bob,
      messages: [
        { seq: 1, senderId: pair.alice },
        { seq: 2, senderId: pair.alice },
      ],
    });
    expect(missed).toEqual([]);
    inOrder();
  });

  it('fetches edits, deletions and reactions as they are by then', async () => {
    const pair = await followed();
    const [edited, deleted, reacted] = await bench.sendMany(3, pair);
    await until(() => told().length === 3);
    const cut = deaf(pair);
    const about = (message: Message | undefined, userId = pair.alice) => ({
      roomId: pair.roomId,
      userId,
      messageId: message?.id ?? '',
    });
    await here.feed.edit({ ...about(edited), content: 'edited' }, LIMITS.totalBytes);
    await here.feed.edit({ ...about(deleted), content: 'needle' }, LIMITS.totalBytes);
    await here.feed.react({ ...about(deleted), emoji: '👍', action: 'added' });
    await here.feed.delete(about(deleted));
    await here.feed.react({ ...about(reacted, pair.bob), emoji: '😀', action: 'added' });
    await bench.send(pair, { replyTo: edited?.id ?? '' });
    await cut.end();
    await bench.send(pair);
    await until(() => told().length === 5);
    expect(kinds().slice(-5)).toEqual(['edited', 'deleted', 'reaction', 'message', 'message']);
    expect(events.slice(-5, -1)).toMatchObject([
      { message: { id: edited?.id, content: 'edited' } },
      { messageId: deleted?.id, userId: pair.alice },
      { messageId: reacted?.id, emoji: '😀', reactions: [{ emoji: '😀', userIds: [pair.bob] }] },
      { message: { replyTo: { id: edited?.id, preview: 'edited' } } },
    ]);
    expect(JSON.stringify(events)).not.toContain('needle');
    expect(missed).toEqual([]);
    inOrder();
  });

  it('hands on what came meanwhile after what it fetched', async () => {
    const pair = await followed();
    for (let round = 0; round < 5; round++) {
      const cut = deaf(pair);
      await bench.sendMany(2, pair);
      await cut.end();
      await Promise.all([bench.send(pair), bench.send(pair), bench.send(pair)]);
    }
    await until(() => told().length === 25);
    expect(told()).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    inOrder();
  });

  it('tells of a message that is gone by then nothing but its end', async () => {
    const pair = await followed();
    const cut = deaf(pair);
    const { id } = await bench.send(pair, { ttl: 1, content: 'needle' });
    await here.advance(1000);
    await here.feed.sweep(pair.roomId, 10);
    await cut.end();
    await bench.send(pair);
    await until(() => told().length === 1);
    expect(kinds()).toEqual(['opened', 'expired', 'message']);
    expect(events[1]).toMatchObject({ messageIds: [id] });
    expect(JSON.stringify(events)).not.toContain('needle');
  });

  it('tells of a message that comes after its deadline nothing but its end', async () => {
    const pair = await followed();
    const follower = there.follower as unknown as { receive(text: string): void };
    const late: string[] = [];
    await until(() => kinds().includes('opened'));
    const slow = jest.spyOn(follower, 'receive').mockImplementation((text) => void late.push(text));
    await bench.send(pair, { ttl: 1, content: 'needle' });
    await bench.send(pair);
    await here.advance(1000);
    await here.feed.sweep(pair.roomId, 10);
    await until(() => late.length === 3);
    slow.mockRestore();
    late.forEach((text) => follower.receive(text));
    expect(kinds()).toEqual(['opened', 'message', 'expired']);
    expect(told()).toEqual([2]);
    expect(JSON.stringify(events)).not.toContain('needle');
    expect(missed).toEqual([]);
    inOrder();
  });

  it('is told of the end of a room and of the next life of it', async () => {
    const pair = await followed();
    await bench.send(pair, { content: 'of the first life' });
    await until(() => told().length === 1);
    const cut = deaf(pair);
    await bench.send(pair);
    await here.feed.close(pair.roomId, 'deleted');
    await here.feed.open(draftOf(pair.alice, pair.bob, pair.roomId), 100);
    await bench.send(pair, { content: 'of the second life' });
    await cut.end();
    await bench.send(pair);
    await until(() => told().length === 3);
    expect(kinds()).toEqual(['opened', 'message', 'closed', 'opened', 'message', 'message']);
    expect(told()).toEqual([1, 1, 2]);
    inOrder();
  });

  it('makes up for a broken subscription by itself, rooms opened and closed meanwhile included', async () => {
    const [pair, closing] = [await followed(), await followed()];
    const opening = draftOf(pair.alice, closing.bob);
    await follow(opening);
    await until(() => events.length === 2);
    const cut = deaf(pair);
    await bench.sendMany(3, pair);
    await here.feed.close(closing.roomId, 'deleted');
    await here.feed.open(opening, 100);
    await bench.send(pairOf(opening));
    await cut.end();
    await here.node.redis.run((client) => client.client('KILL', 'TYPE', 'pubsub'));
    await until(() => events.length === 8);
    const of = (roomId: string): string[] => events.filter((event) => event.roomId === roomId).map(({ kind }) => kind);
    expect(of(pair.roomId)).toEqual(['opened', 'message', 'message', 'message']);
    expect(of(closing.roomId)).toEqual(['opened', 'closed']);
    expect(of(opening.id)).toEqual(['opened', 'message']);
    expect(missed).toEqual([]);
  });

  it('loses, doubles and reorders nothing while its subscription breaks again and again', async () => {
    const pair = await followed();
    let over = false;
    const breaking = (async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await here.node.redis.run((client) => client.client('KILL', 'TYPE', 'pubsub'));
      }
    })();
    for (let i = 0; i < 300; i++) {
      await bench.send(pair);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    over = true;
    await breaking;
    await until(() => told().length >= 300);
    expect(told()).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(missed).toEqual([]);
    inOrder();
  });

  it('says so where the room no longer tells, and goes on behind the hole', async () => {
    const pair = await followed();
    await until(() => events.length === 1);
    const cut = deaf(pair);
    await bench.sendMany(3, pair);
    await cut.end();
    const { redis } = here.node;
    // As if a minute had passed.
    const feed = await redis.run((client) => client.keys(redis.key(`{${pair.roomId}}`, 'feed*')));
    await redis.run((client) => client.del(...feed));
    await bench.send(pair);
    await until(() => missed.length > 0);
    await bench.send(pair);
    await until(() => told().length > 0);
    expect(missed).toEqual([pair.roomId]);
    expect(told()).toEqual([5]);
  });

  it('keeps a position for each room that is followed, and for no other', async () => {
    const pair = await followed();
    const stranger = draftOf();
    await here.feed.open(stranger, 100);
    await bench.send(pair);
    await until(() => told().length === 1);
    expect(there.follower.size).toBe(1);
    await follow(draftOf(pair.alice, pair.bob, pair.roomId));
    unfollow(pair);
    expect(there.follower.size).toBe(1);
    unfollow(pair);
    expect(there.follower.size).toBe(0);
    await bench.send(pair);
    await follow(draftOf(pair.alice, pair.bob, pair.roomId));
    expect(there.follower.size).toBe(1);
    await bench.send(pair);
    await until(() => told().length === 2);
    expect(told()).toEqual([1, 3]);
  });

  it('keeps no contents, and nothing longer than a minute', async () => {
    const pair = await followed();
    await bench.send(pair, { content: 'needle' });
    const { redis } = here.node;
    const keys = await redis.run((client) => client.keys(redis.key(`{${pair.roomId}}`, 'feed*')));
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      expect(JSON.stringify(await redis.run((client) => client.lrange(key, 0, -1)))).not.toContain('needle');
      const left = await redis.run((client) => client.pttl(key));
      expect(left).toBeGreaterThan(45_000);
      expect(left).toBeLessThanOrEqual(60_000);
    }
  });
}
