import type { Redis } from 'ioredis';
import { describeRedis } from '../support/redis-server';
import { ChatBench, LIMITS, type Pair, SHORT_MS, SHORT_S } from './chat-kit';
import { type RedisChatKit, redisChatKit } from './redis-chat-kit';

const NEEDLE = 'needle';
const TTL_S = 60;

describeRedis('Texts of messages in Redis', (server) => {
  const bench = new ChatBench();
  let kit: RedisChatKit;
  let pair: Pair;

  beforeEach(async () => {
    kit = await redisChatKit(server);
    bench.begin(kit);
    pair = await bench.pair();
  });

  afterEach(() => bench.end());

  const run = <T>(command: (client: Redis) => Promise<T>): Promise<T> => kit.node.redis.run(command);
  const keys = (): Promise<string[]> => run((client) => client.keys(kit.node.redis.key('*')));

  /** What a key holds, whatever its type is. */
  async function contentOf(key: string): Promise<string> {
    const dumped = await run((client) => client.type(key)).then((type) =>
      run<unknown>((client) => {
        switch (type) {
          case 'string':
            return client.get(key);
          case 'hash':
            return client.hgetall(key);
          case 'list':
            return client.lrange(key, 0, -1);
          case 'set':
            return client.smembers(key);
          case 'zset':
            return client.zrange(key, 0, -1, 'WITHSCORES');
          default:
            throw new Error(`${key} is a ${type}`);
        }
      }),
    );
    return JSON.stringify(dumped);
  }

  async function holding(text: string): Promise<string[]> {
    const found: string[] = [];
    for (const key of await keys()) {
      if ((await contentOf(key)).includes(text)) {
        found.push(key);
      }
    }
    return found;
  }

  const change = (messageId: string, userId = pair.alice) => ({ roomId: pair.roomId, userId, messageId });
  const deadlines = (found: readonly string[]): Promise<number[]> =>
    Promise.all(found.map((key) => run((client) => client.pexpiretime(key))));

  it('end with the message, edited ones and reactions too', async () => {
    const { id, expiresAt } = await bench.send(pair, { ttl: TTL_S, content: 'before' });
    await kit.feed.edit({ ...change(id), content: NEEDLE }, LIMITS.totalBytes);
    await kit.feed.react({ ...change(id, pair.bob), emoji: '👍', action: 'added' });
    const texts = await holding(NEEDLE);
    expect(texts).toHaveLength(1);
    expect(await deadlines(texts)).toEqual([expiresAt]);
    const reactions = (await holding('👍')).filter((key) => key.includes(':re:'));
    expect(await deadlines(reactions)).toEqual([expiresAt]);
    expect(await holding('before')).toEqual([]);
  });

  it('of reactions move closer with the deadline of their message', async () => {
    const { id } = await bench.send(pair, { burn: true, ttl: TTL_S });
    await kit.feed.react({ ...change(id, pair.bob), emoji: '👍', action: 'added' });
    const request = { ...change(id, pair.bob), revealId: undefined, socketId: undefined, delayMs: 5000 };
    const revealed = await kit.feed.reveal(request);
    const reactions = (await holding('👍')).filter((key) => key.includes(':re:'));
    expect(await deadlines(reactions)).toEqual([revealed?.outcome === 'revealed' && revealed.expiresAt]);
  });

  it('are nowhere once they were deleted, in replies neither', async () => {
    const { id } = await bench.send(pair, { content: NEEDLE, clientId: `id-${NEEDLE}` });
    await bench.send(pair, { replyTo: id });
    await kit.feed.react({ ...change(id, pair.bob), emoji: '👍', action: 'added' });
    expect((await holding(NEEDLE)).length).toBeGreaterThan(0);
    await kit.feed.delete(change(id));
    expect(await holding(NEEDLE)).toEqual([]);
    expect((await keys()).filter((key) => key.includes(':re:'))).toEqual([]);
  });

  it('name nobody any more once what named them is gone', async () => {
    const { id } = await bench.send(pair);
    await bench.send(pair, { replyTo: id, ttl: SHORT_S });
    const names = async (): Promise<string[]> => (await keys()).filter((key) => /:(names|nm)$/.test(key));
    expect(await names()).toHaveLength(2);
    await bench.send(pair, { replyTo: id, ttl: 3 * SHORT_S });
    await kit.advance(SHORT_MS);
    await kit.feed.sweep(pair.roomId, 10);
    expect(await names()).toHaveLength(2);
    await kit.advance(2 * SHORT_MS);
    await kit.feed.sweep(pair.roomId, 10);
    expect(await names()).toEqual([]);
  });

  it('leave nothing but the last minute as ids when their room is closed', async () => {
    const { id } = await bench.send(pair, { content: NEEDLE });
    await bench.send(pair, { replyTo: id });
    await kit.feed.react({ ...change(id, pair.bob), emoji: '👍', action: 'added' });
    const { id: deleted } = await bench.send(pair);
    await kit.feed.delete(change(deleted));
    await kit.feed.close(pair.roomId, 'deleted');
    const ofRoom = (await keys()).filter((key) => key.includes(`{${pair.roomId}}`));
    expect(ofRoom.filter((key) => !key.includes(':feed:'))).toEqual([]);
    expect(await holding(NEEDLE)).toEqual([]);
  });
});
