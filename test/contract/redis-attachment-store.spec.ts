import { ATTACHMENT_DEADLINE } from '../../src/attachments/attachment-store';
import { FORSAKEN_MS } from '../../src/attachments/attachment-scripts.lua';
import { RedisAttachmentStore } from '../../src/attachments/redis-attachment.store';
import { Ids } from '../../src/common/ids';
import { RedisExpiryQueue } from '../../src/expiry/redis-expiry-queue';
import { RedisNodes } from '../../src/nodes/redis-nodes';
import { RedisChannels } from '../../src/storage/redis-channels';
import { redisKit } from '../support/redis-kit';
import { describeRedis, type RedisServer, uniquePrefix } from '../support/redis-server';
import { attachmentStoreContract } from './attachment-store.suite';

/** By so much the clocks of node and Redis may differ, ms. */
const SKEW_MS = 3;
const BLOCK = 4096;
const QUOTA = { totalBytes: 100 * BLOCK, ownerBytes: 10 * BLOCK };
/** Long enough to settle in. */
const RESERVED_MS = 500;
const HOUR_MS = 3_600_000;

async function storeNode(server: RedisServer, prefix = uniquePrefix()) {
  const { redis, clock, close } = await redisKit(server, prefix);
  const nodes = new RedisNodes(redis, new Ids());
  const queue = new RedisExpiryQueue(redis, new RedisChannels(redis), nodes, clock);
  await queue.onModuleInit();
  const due = async (): Promise<string[]> => {
    const items = await queue.claim(10_000);
    expect(items.every(({ kind }) => kind === ATTACHMENT_DEADLINE)).toBe(true);
    return items.map(({ key }) => key);
  };
  return { redis, nodes, clock, queue, due, store: new RedisAttachmentStore(redis, queue, clock), close };
}

type StoreNode = Awaited<ReturnType<typeof storeNode>>;

describeRedis('AttachmentStore on Redis', (server) => {
  const open: StoreNode[] = [];

  const node = async (prefix?: string): Promise<StoreNode> => {
    const made = await storeNode(server, prefix);
    open.push(made);
    return made;
  };

  afterEach(() => open.splice(0).forEach(({ close }) => close()));

  attachmentStoreContract(async () => {
    const { store, clock, due } = await node();
    return {
      store,
      due,
      clock: { now: () => clock.now(), advance: (ms) => clock.advance(ms + SKEW_MS) },
    };
  });

  const draft = (filename: string, now: number, lifeMs: number) => ({
    filename,
    ownerId: 'alice',
    size: 1,
    mimeType: 'image/webp',
    width: 1,
    height: 1,
    createdAt: now,
    unusedUntil: now + lifeMs,
  });

  async function add({ store, clock }: StoreNode, filename: string, lifeMs = HOUR_MS): Promise<void> {
    const now = clock.now();
    await store.reserve({ id: `r-${filename}`, ownerId: 'alice', size: 1, until: now + RESERVED_MS }, QUOTA);
    expect(await store.settle(`r-${filename}`, draft(filename, now, lifeMs), QUOTA)).toBe(true);
  }

  const kept = ({ redis }: StoreNode): Promise<string[]> => redis.run((client) => client.keys(redis.key('{files}*')));

  /** As a node that is killed when its script is through: the expiry queue is told nothing. */
  const dying = ({ redis, queue, clock }: StoreNode): RedisAttachmentStore =>
    new RedisAttachmentStore(
      redis,
      Object.assign(Object.create(queue) as RedisExpiryQueue, {
        scheduleSooner: () => Promise.reject(new Error('dead')),
        cancel: () => Promise.reject(new Error('dead')),
      }),
      clock,
    );

  it('keeps one quota over all nodes', async () => {
    const prefix = uniquePrefix();
    const nodes = await Promise.all([node(prefix), node(prefix), node(prefix)]);
    const tries = nodes.flatMap(({ store, clock }, n) =>
      Array.from({ length: 10 }, (_, i) =>
        store.reserve({ id: `${n}-${i}`, ownerId: 'alice', size: BLOCK, until: clock.now() + HOUR_MS }, QUOTA),
      ),
    );
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(await nodes[0]?.store.totals()).toEqual({ count: 0, bytes: 10 * BLOCK });
  });

  it('shows one node what another keeps', async () => {
    const prefix = uniquePrefix();
    const [one, two] = [await node(prefix), await node(prefix)];
    await add(one, 'f');
    const reference = { holder: 'msg_1', roomId: 'room', expiresAt: one.clock.now() + HOUR_MS };
    expect(await two.store.refer('f', 'alice', reference)).toMatchObject({ references: [reference] });
    expect(await one.store.find('f')).toEqual(await two.store.find('f'));
    expect(await two.store.release('f', 'msg_1')).toBe(true);
    expect(await one.store.find('f')).toBeUndefined();
  });

  it('leaves nothing in Redis when everything has ended', async () => {
    const all = await node();
    await add(all, 'released');
    await add(all, 'expired', 50);
    await add(all, 'removed');
    await all.store.reserve({ id: 'lapsed', ownerId: 'bob', size: 1, until: all.clock.now() + 50 }, QUOTA);
    await all.store.refer('released', 'alice', { holder: 'm', roomId: null, expiresAt: null });
    await all.store.release('released', 'm');
    await all.store.remove('removed');
    await all.clock.advance(RESERVED_MS + SKEW_MS);
    expect(await all.store.sweep(await all.due())).toEqual(['expired']);
    expect((await kept(all)).map((key) => key.split(':').at(-1))).toEqual(['sum']);
    expect(await all.store.totals()).toEqual({ count: 0, bytes: 0 });
    expect(await all.queue.nextDeadline()).toBeUndefined();
  });

  it('lets what a killed node used be dead on time, and gives its room back though no queue knows of it', async () => {
    const all = await node();
    await add(all, 'f');
    const shown = { holder: 'm', roomId: null, expiresAt: all.clock.now() + 100 };
    await all.queue.cancel(ATTACHMENT_DEADLINE, 'f');
    await dying(all).refer('f', 'alice', shown);
    await all.clock.advance(100 + SKEW_MS);
    expect(await all.store.find('f')).toBeUndefined();
    expect(await all.due()).not.toContain('f');
    expect((await kept(all)).filter((key) => key.endsWith(':k:f'))).toEqual([]);
    expect(await all.store.filterUnknown(['f'])).toEqual([]);
    // As if a minute had passed.
    const died = all.clock.now() - FORSAKEN_MS - 1;
    await all.redis.run((client) => client.zadd(all.redis.key('{files}:deaths'), died, 'f'));
    expect(await all.store.filterUnknown(['f'])).toEqual(['f']);
    expect(await all.store.totals()).toEqual({ count: 0, bytes: 0 });
  });

  it('has a change made though its node is killed before the queue knows', async () => {
    const all = await node();
    const now = all.clock.now();
    await dying(all).reserve({ id: 'r', ownerId: 'alice', size: 1, until: now + HOUR_MS }, QUOTA);
    expect(await dying(all).settle('r', draft('f', now, HOUR_MS), QUOTA)).toBe(true);
    expect(await dying(all).refer('f', 'alice', { holder: 'm', roomId: null, expiresAt: null })).toBeDefined();
    expect(await dying(all).release('f', 'm')).toBe(true);
    expect(await all.store.totals()).toEqual({ count: 0, bytes: 0 });
  });

  it('hands a record that its sweep could not schedule again to the next', async () => {
    const all = await node();
    await add(all, 'f');
    await expect(dying(all).sweep(['f'])).rejects.toThrow('dead');
    expect(await all.store.sweep(['f'])).toEqual([]);
    expect(await all.store.find('f')).toBeDefined();
  });
});
