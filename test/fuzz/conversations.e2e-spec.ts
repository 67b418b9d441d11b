import { Logger } from '@nestjs/common';
import type { AckBody, TestClient } from '../support/clients';
import { EVENTS, ROUTES } from '../support/authz-table';
import { roomOf } from '../support/chat-app';
import { uploadImage } from '../support/chat-images';
import { createApp } from '../support/create-app';
import { Random } from '../support/fuzz';
import { type Known, learn, remember, somePacket, someRequest } from '../support/fuzz-conversation';
import { SEED } from '../support/fuzz-scene';
import { describeRedis, uniquePrefix } from '../support/redis-server';
import { type Person, TestNodes } from '../nodes/test-nodes';

/** Fewer than end a socket for its bad packets; each batch has sockets of its own. */
const BATCH = 24;
const BATCHES = 45;
const ACK_TIMEOUT_MS = 15_000;
const RUN_MS = 180_000;

/** Rooms of every kind. */
const KINDS = [
  { type: 'public', name: 'Public' },
  { type: 'private', name: 'Private' },
  { type: 'public', name: 'History', settings: { messageTtl: null } },
  { type: 'private', name: 'Sealed', settings: { encrypted: true } },
  { type: 'private', name: 'Short', settings: { messageTtl: 1 } },
  { type: 'public', name: 'Slow', settings: { slowModeSeconds: 1, moderationEnabled: true } },
];

/** Everything of the chat by REST and in both namespaces that need a token; what an account may do to itself is not. */
const CHAT_ROUTES = ROUTES.filter(({ handler }) => handler.includes(' /api/chat/'));
const NAMESPACES = ['/', '/rooms'];
const eventsOf = (namespace: string) =>
  EVENTS.filter(({ handler }) => handler.startsWith(`${namespace} `) && !handler.endsWith('auth:refresh'));

function conversations(redis: { readonly url: string } | undefined): void {
  const random = new Random(SEED);
  let nodes: TestNodes;
  let people: Person[];
  let known: Known;
  const faults: unknown[][] = [];
  /** By handler, how often it took what it got. */
  const taken = new Map<string, number>();
  const count = (handler: string, success: boolean): void =>
    void taken.set(handler, (taken.get(handler) ?? 0) + Number(success));

  beforeAll(async () => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation((...args: unknown[]) => void faults.push(args));
    const shared = { SEED_DEMO_USERS: 'false', ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix() }) };
    const settings = { ...shared, MAX_SOCKETS_PER_IP: '10000', MESSAGE_TTL_MS: '5000', BURN_DELAY_MS: '500' };
    nodes = await TestNodes.of(Array.from({ length: redis ? 2 : 1 }, () => createApp({ settings })));
    people = await Promise.all(['alice', 'bob', 'mallory', 'trudy'].map((name) => nodes.person(name)));
    const users = people.map(({ id }) => id);
    known = { rooms: [], messages: new Map([['msg_1_x', 'room_x']]), users: [...users, 'nobody'], images: [] };
    for (const owner of people) {
      known.images.push((await uploadImage(nodes.url(0), owner)).imageUrl);
    }
    for (const i of KINDS.keys()) {
      await makeRoom(i);
    }
  }, RUN_MS);

  afterAll(() => nodes.close());

  /** Another room with all of them in it, and a direct one, with a message each. */
  async function makeRoom(number: number): Promise<void> {
    const [owner, ...others] = [...people.slice(number % 4), ...people.slice(0, number % 4)] as [Person, Person];
    const memberIds = others.map(({ id }) => id);
    const kind = { ...KINDS[number % KINDS.length], memberIds };
    const { body } = await nodes.api(owner, 0, 'post', 'chat/rooms').send(kind).expect(201);
    for (const other of others) {
      await nodes.api(other, 0, 'post', `chat/rooms/${body.roomId}/join`).expect(200);
    }
    for (const roomId of [body.roomId as string, roomOf(owner, others[0])]) {
      remember(known, roomId);
      const message = { content: 'x', ttl: 60, burn: number % 3 === 0 };
      const sent = await nodes.api(owner, 0, 'post', `chat/rooms/${roomId}/messages`).send(message);
      learn(known, roomId, sent.body);
    }
  }

  const expectRefusalOfOurs = (what: unknown, answer: AckBody | { code?: string }): void => {
    const told = { what, code: answer.code };
    expect(told).toEqual({ ...told, code: answer.code === 'InternalServerError' ? 'another' : answer.code });
  };

  async function emit(client: TestClient, namespace: string): Promise<void> {
    const [event, payload] = somePacket(eventsOf(namespace), known, random);
    const ack = (await client.socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, payload)) as AckBody;
    expect(typeof ack.success).toBe('boolean');
    count(`${namespace} ${event}`, ack.success);
    expectRefusalOfOurs([namespace, event, payload], ack);
    learn(known, (payload as { roomId?: unknown }).roomId, ack);
  }

  async function request(person: Person, node: number): Promise<void> {
    const { handler, method, path, body } = someRequest(CHAT_ROUTES, known, random);
    const headers = { authorization: `Bearer ${person.token}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const answer = await fetch(nodes.url(node) + path, init);
    count(handler, answer.ok);
    const text = await answer.text();
    expectRefusalOfOurs([method, path, body], text === '' ? {} : (JSON.parse(text) as AckBody));
    learn(known, path.split('/')[4]?.split('?')[0], method === 'GET' ? {} : text);
    // No limit of the server is so low that this comes to it.
    const told = { method, path, body, status: answer.status };
    expect(told).toEqual({ ...told, status: answer.status < 500 ? answer.status : 'less than 500' });
  }

  it(
    `survives junk among people who make, moderate and leave rooms (FUZZ_SEED=${SEED})`,
    async () => {
      for (let batch = 0; batch < BATCHES; batch++) {
        await makeRoom(batch);
        const person = people[batch % people.length] as Person;
        const other = random.pick(people);
        const node = random.below(nodes.apps.length);
        const clients = await Promise.all(NAMESPACES.map((namespace) => nodes.connect(person, node, namespace)));
        await Promise.all(
          Array.from({ length: BATCH }, (_, i) => {
            const at = i % 3;
            const client = clients[at];
            return client ? emit(client, NAMESPACES[at] ?? '') : request(random.below(2) ? person : other, node);
          }),
        );
        clients.forEach((client) => client.close());
      }
      expect(faults).toEqual([]);
      // It gets past the first checks: nearly every handler took something.
      const handlers = CHAT_ROUTES.length + NAMESPACES.flatMap(eventsOf).length;
      const useful = [...taken.values()].filter((times) => times > 0);
      expect(useful.length).toBeGreaterThan(handlers * 0.8);
    },
    RUN_MS,
  );

  it('leaves rooms that can be listed, joined, read, and made anew', async () => {
    const [alice, bob] = people as [Person, Person];
    for (const [person, node] of [[alice, 0] as const, [bob, nodes.apps.length - 1] as const]) {
      const client = await nodes.connect(person, node);
      const { body } = await nodes.api(person, node, 'get', 'chat/rooms').expect(200);
      const rooms = body.rooms as { id: string }[];
      const { rooms: joined } = (await client.emit('rooms:join', {})) as unknown as { rooms: { roomId: string }[] };
      expect(joined.map(({ roomId }) => roomId).sort()).toEqual(rooms.map(({ id }) => id).sort());
      for (const { id } of rooms) {
        const ack = await client.emit('room:join', { roomId: id });
        expect(ack).toMatchObject({ success: true, room: { id } });
        const page = await nodes.api(person, node, 'get', `chat/rooms/${id}/messages`).expect(200);
        expect(page.body.messages.length).toBeLessThanOrEqual((ack.messages as unknown[]).length);
      }
    }
    const { body } = await nodes.api(alice, 0, 'post', 'chat/rooms').send({ type: 'public', name: 'New' }).expect(201);
    await nodes.api(bob, 0, 'post', `chat/rooms/${body.roomId}/join`).expect(200);
    expect(faults).toEqual([]);
  });
}

describe('The chat, in memory', () => conversations(undefined));

describeRedis('The chat, on two nodes', (server) => conversations(server));
