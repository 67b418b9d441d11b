import type { Type } from '@nestjs/common';
import { type AckBody, type Account, call, register, TestClient } from '../support/clients';
import { createApp, type TestApp } from '../support/create-app';
import { roomOf } from '../support/chat-app';
import { type RedisServer, uniquePrefix } from '../support/redis-server';

type Payload = Record<string, unknown>;

/** Somebody with a socket on each of some nodes. */
export interface Person extends Account {
  readonly clients: TestClient[];
}

/** Several nodes of one service, in this process, over one Redis. */
export class TestNodes {
  private readonly clients: TestClient[] = [];

  private constructor(readonly apps: TestApp[]) {}

  static async start(count: number, redis: { url: string }, settings: Record<string, string> = {}): Promise<TestNodes> {
    const shared = { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix(), SEED_DEMO_USERS: 'false', ...settings };
    return TestNodes.of(Array.from({ length: count }, () => createApp({ settings: shared })));
  }

  /** Nodes that the test starts by itself. */
  static async of(apps: Promise<TestApp>[]): Promise<TestNodes> {
    return new TestNodes(await Promise.all(apps));
  }

  async close(): Promise<void> {
    this.clients.forEach((client) => client.close());
    await Promise.all(this.apps.map((app) => app.close()));
  }

  url(node: number): string {
    return this.apps[node]?.url ?? '';
  }

  get<T>(node: number, token: Type<T> | (abstract new (...args: never[]) => T)): T {
    return (this.apps[node] as TestApp).app.get<T>(token, { strict: false });
  }

  async connect({ token }: { token: string }, node: number, namespace?: string): Promise<TestClient> {
    const client = await TestClient.connect(this.url(node), token, {}, namespace);
    this.clients.push(client);
    return client;
  }

  /** Registers somebody and connects them to these nodes. */
  async person(name: string, ...nodes: number[]): Promise<Person> {
    const account = await register(this.url(0), name);
    const clients = await Promise.all(nodes.map((node) => this.connect(account, node)));
    return { ...account, clients };
  }

  api({ token }: { token: string }, node: number, method: Parameters<typeof call>[2], path: string) {
    return this.call({ token }, node, method, `/api/${path}`);
  }

  /** A REST call by its whole path. */
  call({ token }: { token: string }, node: number, method: Parameters<typeof call>[2], path: string) {
    return call(this.url(node), token, method, path);
  }
}

/** Nodes for each test of the surrounding `describe`. */
export function useNodes(server: RedisServer, count: number, settings: Record<string, string> = {}): () => TestNodes {
  let nodes: TestNodes;
  beforeEach(async () => {
    nodes = await TestNodes.start(count, server, settings);
  });
  afterEach(() => nodes.close());
  return () => nodes;
}

/** The only socket of somebody, or the one of this index. */
export function socketOf({ clients }: Person, index = 0): TestClient {
  return clients[index] as TestClient;
}

/** Payloads of an event about one room, in the order in which they came. */
export function told(client: TestClient, event: string, roomId: string): Payload[] {
  return client.all(event).filter((payload) => payload.roomId === roomId);
}

export const contents = (client: TestClient, roomId: string): unknown[] =>
  told(client, 'message:new', roomId).map(({ content }) => content);

export const seqs = (payloads: readonly Payload[]): number[] => payloads.map(({ seq }) => seq as number);

export const oneTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/** Sends a text; the ack must be a success. */
export async function say(
  client: TestClient,
  roomId: string,
  content: string,
  more: object = {},
): Promise<AckBody & { seq: number; messageId: string }> {
  const ack = await client.emit('message:send', { roomId, content, ...more });
  expect(ack).toMatchObject({ success: true });
  return ack as AckBody & { seq: number; messageId: string };
}

export { roomOf };
