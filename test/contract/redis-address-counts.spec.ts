import type { Nodes, TakeoverListener } from '../../src/nodes/nodes';
import { RedisAddressCounts } from '../../src/realtime/redis-address-counts';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { describeRedis } from '../support/redis-server';
import { addressCountsContract } from './address-counts.suite';

describeRedis('AddressCounts on Redis', (server) => {
  /** A node that hears of others' ends when the test says so. */
  function node({ redis }: RedisKit, id: string): { store: RedisAddressCounts; takeOver: TakeoverListener } {
    const listeners: TakeoverListener[] = [];
    const nodes = { id, onTakeover: (listener: TakeoverListener) => listeners.push(listener) };
    const store = new RedisAddressCounts(redis, nodes as unknown as Nodes);
    return { store, takeOver: async (gone) => void (await Promise.all(listeners.map((listener) => listener(gone)))) };
  }

  addressCountsContract(async () => {
    const kit = await redisKit(server);
    return { store: node(kit, 'a').store, close: kit.close };
  });

  describe('of two nodes', () => {
    let kit: RedisKit;

    beforeEach(async () => {
      kit = await redisKit(server);
    });

    afterEach(() => kit.close());

    it('are counted together', async () => {
      const [a, b] = [node(kit, 'a').store, node(kit, 'b').store];
      expect(await a.tell('1.1.1.1', 2, 3)).toBe(true);
      expect(await b.tell('1.1.1.1', 1, 3)).toBe(true);
      expect(await b.tell('1.1.1.1', 2, 3)).toBe(false);
      expect(await a.tell('1.1.1.1', 3, 3)).toBe(false);
      await a.tell('1.1.1.1', 1, 3);
      expect(await b.tell('1.1.1.1', 2, 3)).toBe(true);
    });

    it('those of one that is gone go with it, as often as it is taken over', async () => {
      const [a, b] = [node(kit, 'a'), node(kit, 'b')];
      for (let i = 0; i < 250; i++) {
        await a.store.tell(`1.1.1.${i}`, 3, 3);
      }
      await b.store.tell('1.1.1.7', 1, 4);
      expect(await b.store.tell('1.1.1.8', 1, 3)).toBe(false);
      await b.takeOver('a');
      await b.takeOver('a');
      expect(await b.store.tell('1.1.1.8', 3, 3)).toBe(true);
      expect(await b.store.tell('1.1.1.7', 3, 3)).toBe(true);
      expect(await b.store.tell('1.1.1.7', 4, 3)).toBe(false);
    });

    it('leave nothing behind when all have gone', async () => {
      const [a, b] = [node(kit, 'a').store, node(kit, 'b').store];
      await Promise.all([a.tell('1.1.1.1', 1, 3), b.tell('1.1.1.1', 2, 3)]);
      await Promise.all([a.tell('1.1.1.1', 0, 3), b.tell('1.1.1.1', 0, 3)]);
      expect(await kit.redis.run((client) => client.keys(kit.redis.key('*')))).toEqual([]);
    });
  });
});
