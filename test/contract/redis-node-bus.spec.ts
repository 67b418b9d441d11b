import { Logger } from '@nestjs/common';
import { Ids } from '../../src/common/ids';
import { RedisNodeBus } from '../../src/storage/redis-node-bus';
import { until } from '../support/until';
import { type RedisKit, redisKit } from '../support/redis-kit';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { nodeBusContract } from './node-bus.suite';

const NODES = 3;

Logger.overrideLogger(false);

/** A bus whose heart beats when the test says so. */
class TestBus extends RedisNodeBus {
  override beat(): Promise<void> {
    return super.beat();
  }
}

interface Node {
  readonly kit: RedisKit;
  readonly bus: TestBus;
  /** How many gaps it told of until now. */
  readonly gaps: () => number;
}

describeRedis('NodeBus on Redis', (server) => {
  let kits: RedisKit[] = [];

  const close = (): void => {
    kits.forEach((kit) => kit.close());
    kits = [];
  };

  afterEach(close);

  async function makeNode(prefix: string): Promise<Node> {
    const kit = await redisKit(server, prefix);
    kits.push(kit);
    const bus = new TestBus(kit.redis, new Ids());
    let gaps = 0;
    bus.onGap(() => gaps++);
    // The first subscription counts as a gap.
    await until(() => gaps === 1);
    return { kit, bus, gaps: () => gaps };
  }

  async function makeTwo(): Promise<[Node, Node]> {
    const prefix = uniquePrefix();
    return [await makeNode(prefix), await makeNode(prefix)];
  }

  nodeBusContract(async () => {
    const prefix = uniquePrefix();
    const nodes = await Promise.all(Array.from({ length: NODES }, () => makeNode(prefix)));
    return { nodes: nodes.map(({ bus }) => bus), close: async () => close() };
  });

  it('calls the listeners of the publishing node before it returns, and never again', async () => {
    const { bus } = await makeNode(uniquePrefix());
    const heard: object[] = [];
    bus.subscribe('a', (message) => heard.push(message));
    const first = bus.publish('a', { number: 1 });
    expect(heard).toEqual([{ number: 1 }]);
    await first;
    await bus.publish('a', { number: 2 });
    expect(heard).toEqual([{ number: 1 }, { number: 2 }]);
  });

  it('does not hear other services on the same Redis', async () => {
    const [one, another] = [await makeNode(uniquePrefix()), await makeNode(uniquePrefix())];
    const heard: object[] = [];
    another.bus.subscribe('a', (message) => heard.push(message));
    await one.bus.publish('a', { of: 'one' });
    await another.bus.publish('a', { of: 'another' });
    expect(heard).toEqual([{ of: 'another' }]);
  });

  it('tells of a gap when its subscription comes back', async () => {
    const [a, b] = await makeTwo();
    const heard: object[] = [];
    b.bus.subscribe('a', (message) => heard.push(message));
    await server.restart();
    await until(() => a.gaps() === 2 && b.gaps() === 2);
    await a.bus.publish('a', { word: 'after' });
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ word: 'after' }]);
  });

  it('makes a subscription anew that gives no sign of life', async () => {
    const { bus, gaps } = await makeNode(uniquePrefix());
    server.pause();
    await bus.beat();
    server.resume();
    await until(() => gaps() === 2);
  });

  it('tells the others of a gap when it could not publish, as soon as it can again', async () => {
    const [a, b] = await makeTwo();
    const publish = jest.spyOn(a.kit.redis.client, 'publish').mockRejectedValue(new Error('cut off'));
    const heard: object[] = [];
    a.bus.subscribe('a', (message) => heard.push(message));
    await a.bus.publish('a', { word: 'lost' });
    expect(heard).toEqual([{ word: 'lost' }]);
    await a.bus.beat();
    expect(b.gaps()).toBe(1);
    publish.mockRestore();
    await a.bus.beat();
    await until(() => b.gaps() === 2);
    await a.bus.beat();
    await b.bus.publish('a', {});
    expect([a.gaps(), b.gaps()]).toEqual([1, 2]);
  });

  it('is not hurt by what is none of ours', async () => {
    const [{ kit, bus }, other] = await makeTwo();
    const heard: object[] = [];
    other.bus.subscribe('a', (message) => heard.push(message));
    for (const garbage of ['not JSON', 'null', '[]', '{"node":"x","channel":"a"}']) {
      await kit.redis.run((client) => client.publish(kit.redis.key('bus'), garbage));
    }
    await bus.publish('a', { number: 1 });
    await until(() => heard.length > 1);
    expect(heard).toEqual([{}, { number: 1 }]);
  });
});
