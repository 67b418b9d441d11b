import { Logger } from '@nestjs/common';
import type { Awaitable } from '../../src/common/awaitable';
import type { NodeBus } from '../../src/storage/node-bus';

export interface NodeBusKit {
  /** The bus as each of several nodes has it, connected; in memory one. */
  readonly nodes: readonly NodeBus[];
  close(): Promise<void>;
}

const ARRIVAL_MS = 5000;
const POLL_MS = 2;

/** What every driver of `NodeBus` promises. */
export function nodeBusContract(makeKit: () => Awaitable<NodeBusKit>): void {
  let kit: NodeBusKit;
  let logged: jest.SpyInstance;

  beforeEach(async () => {
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    kit = await makeKit();
  });

  afterEach(async () => {
    await kit.close();
    logged.mockRestore();
  });

  /** What each node hears of a channel. */
  const listen = (channel: string): object[][] =>
    kit.nodes.map((node) => {
      const heard: object[] = [];
      node.subscribe(channel, (message) => heard.push(message));
      return heard;
    });

  const until = async (holds: () => boolean): Promise<void> => {
    const deadline = performance.now() + ARRIVAL_MS;
    while (!holds() && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };

  const publish = async (channel: string, message: object, node = 0): Promise<void> =>
    kit.nodes[node]?.publish(channel, message);

  it('hands a message to every node, the publisher too, as JSON has it', async () => {
    const heard = listen('channel');
    const message = { text: 'ü💬\n', number: 1.5, list: [1, { a: null }], yes: true };
    for (let node = 0; node < kit.nodes.length; node++) {
      await publish('channel', message, node);
    }
    const all = kit.nodes.map(() => message);
    await until(() => heard.every((messages) => messages.length >= all.length));
    expect(heard).toEqual(kit.nodes.map(() => all));
  });

  it('keeps channels apart', async () => {
    const [one, another] = [listen('one'), listen('one more')];
    await publish('one', { for: 'one' });
    await publish('nobody', { for: 'nobody' });
    await publish('one more', { for: 'another' });
    await until(() => another.every((messages) => messages.length > 0));
    expect(one).toEqual(kit.nodes.map(() => [{ for: 'one' }]));
    expect(another).toEqual(kit.nodes.map(() => [{ for: 'another' }]));
  });

  it('keeps the order of a publisher', async () => {
    const heard = listen('channel');
    const sent = Array.from({ length: 200 }, (_, number) => ({ number }));
    await Promise.all(sent.map((message) => publish('channel', message)));
    await until(() => heard.every((messages) => messages.length >= sent.length));
    expect(heard).toEqual(kit.nodes.map(() => sent));
  });

  it('calls every listener of a channel, though one throws', async () => {
    const [first, second] = [listen('channel'), kit.nodes[0]];
    second?.subscribe('channel', () => {
      throw new Error('broken');
    });
    const last = listen('channel');
    await publish('channel', { number: 1 });
    await publish('channel', { number: 2 });
    await until(() => last.every((messages) => messages.length >= 2));
    const both = kit.nodes.map(() => [{ number: 1 }, { number: 2 }]);
    expect([first, last]).toEqual([both, both]);
    expect(logged).toHaveBeenCalled();
  });

  it('keeps nothing for who comes later', async () => {
    await publish('channel', { number: 1 });
    const marker = listen('marker');
    await publish('marker', {});
    await until(() => marker.every((messages) => messages.length > 0));
    const heard = listen('channel');
    await publish('channel', { number: 2 });
    await until(() => heard.every((messages) => messages.length > 0));
    expect(heard).toEqual(kit.nodes.map(() => [{ number: 2 }]));
  });
}
