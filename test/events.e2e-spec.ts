import { Parser } from '@asyncapi/parser';
import request, { type Test } from 'supertest';
import type { NamespaceHandlers } from '../src/realtime/handler-map';
import { HandlerMap } from '../src/realtime/handler-map';
import { GHOST } from '../src/chat/dialects/ghost/ghost.events';
import { serverEvents } from '../src/realtime/server-event';
import { ChatApp, roomOf, say } from './support/chat-app';
import type { TestClient } from './support/clients';
import { freshToken, ghostSocket } from './support/ghosts';
import { problems } from './support/json-schema';
import { picture } from './support/pictures';

interface Message {
  readonly payload: Record<string, unknown>;
  readonly examples: { payload: object }[];
}

interface Operation {
  readonly action: 'receive' | 'send';
  readonly channel: { $ref: string };
  readonly description?: string;
  readonly messages: { $ref: string }[];
  readonly reply?: { messages: { $ref: string }[] };
}

interface Document {
  readonly servers: Record<string, { host: string; pathname: string; protocol: string }>;
  readonly channels: Record<
    string,
    { address: string; servers: { $ref: string }[]; messages: Record<string, Message> }
  >;
  readonly operations: Record<string, Operation>;
  readonly components: { schemas: Record<string, Record<string, unknown>> };
}

const ON = 'send';
const EMIT = 'receive';

let chat: ChatApp;

const get = (path: string): Test => request(chat.url).get(path);
const load = async (): Promise<Document> => (await get('/api/asyncapi.json').expect(200)).body as Document;
const namespaces = (): NamespaceHandlers[] => chat.get(HandlerMap).build();

/** What the parser of AsyncAPI finds wrong: errors and warnings, not its advice. */
async function faults(document: object): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(JSON.stringify(document));
  return diagnostics.filter(({ severity }) => severity < 2).map(({ message, path }) => `${path.join('.')}: ${message}`);
}

/** What a reference such as `#/channels/x/messages/y` leads to. */
function follow<T>(document: Document, { $ref }: { $ref: string }): T {
  const steps = $ref.split('/').slice(1);
  return steps.reduce((at: unknown, step) => (at as Record<string, unknown>)[step], document) as T;
}

/** `<namespace> <event>` of all operations of one direction. */
function told(document: Document, action: Operation['action']): string[] {
  return Object.values(document.operations)
    .filter((operation) => operation.action === action)
    .map(({ channel }) => {
      const { address, servers } = follow<Document['channels'][string]>(document, channel);
      return servers.map((server) => `${follow<{ pathname: string }>(document, server).pathname} ${address}`).join();
    })
    .sort();
}

/** The messages of an event: of what is sent, and of what an ack may be. */
function messagesOf(
  document: Document,
  event: string,
  action: Operation['action'],
  namespace = '/',
): { sent: Message; acks: Message[] } {
  const found = Object.values(document.operations).find((operation) => {
    const { address, servers } = follow<Document['channels'][string]>(document, operation.channel);
    const [server] = servers.map((one) => follow<{ pathname: string }>(document, one));
    return operation.action === action && address === event && server?.pathname === namespace;
  });
  if (!found?.messages[0]) {
    throw new Error(`The reference has no ${event}`);
  }
  const acks = (found.reply?.messages ?? []).map((message) => follow<Message>(document, message));
  return { sent: follow<Message>(document, found.messages[0]), acks };
}

afterEach(() => chat.close());

describe('the event reference', () => {
  beforeEach(async () => {
    chat = await ChatApp.start();
  });

  it('is valid AsyncAPI 3', async () => {
    const document = await load();
    expect(await faults(document)).toEqual([]);
    // The parser does find what is wrong.
    expect(await faults({ ...document, channels: {} })).not.toEqual([]);
  });

  it('has every event of a client, and no other', async () => {
    const known = namespaces().flatMap(({ namespace, handlers }) =>
      [...handlers.keys()].map((name) => `${namespace} ${name}`),
    );
    expect(known.length).toBeGreaterThan(5);
    expect(told(await load(), EMIT)).toEqual(known.sort());
  });

  it('has every event of the server, and no other', async () => {
    const known = serverEvents().map(({ namespace, name }) => `${namespace} ${name}`);
    expect(known.length).toBeGreaterThan(5);
    expect(told(await load(), ON)).toEqual(known.sort());
  });

  it('has a good example of everything', async () => {
    const { channels, components } = await load();
    const messages = Object.values(channels).flatMap(({ address, messages: of }) =>
      Object.entries(of).map(([id, message]) => [`${address} ${id}`, message] as const),
    );
    const bad = messages.flatMap(([where, { examples, payload }]) =>
      examples.length === 0
        ? [`${where}: no example`]
        : examples.flatMap((example) => problems(example.payload, payload, components.schemas, where)),
    );
    expect(bad).toEqual([]);
  });

  it('finds bad examples', () => {
    const schemas = { Inner: { type: 'object', required: ['a'], properties: { a: { type: ['string', 'null'] } } } };
    const inner = { $ref: '#/components/schemas/Inner' };
    const schema = { type: 'object', properties: { b: { type: 'array', items: inner }, c: { enum: [1, 2] } } };
    expect(problems({ b: [{ a: 'x' }, { a: null }], c: 2 }, schema, schemas)).toEqual([]);
    expect(problems({ b: [{ a: 1 }, {}], c: 3, d: 4 }, schema, schemas)).toEqual([
      '$.b[0].a: integer, not string or null',
      '$.b[1].a: missing',
      '$.c: not one of 1, 2',
      '$.d: not in the schema',
    ]);
  });

  it('has examples that the server takes', async () => {
    const document = await load();
    for (const { namespace, handlers } of namespaces()) {
      for (const { event, bind, dto } of handlers.values()) {
        for (const { payload } of messagesOf(document, event, EMIT, namespace).sent.examples) {
          expect(() => bind(payload)).not.toThrow();
          const unknown = dto ? Object.keys(payload).filter((field) => !(field in (bind(payload) ?? {}))) : [];
          expect([event, unknown]).toEqual([event, []]);
        }
      }
    }
  });

  it('tells with what each event of a client is answered, and how it fails', async () => {
    const document = await load();
    for (const { namespace, handlers } of namespaces()) {
      for (const { event } of handlers.values()) {
        const [success, refusal] = messagesOf(document, event, EMIT, namespace).acks;
        expect(success?.examples[0]?.payload).toMatchObject({ success: true });
        expect(refusal?.examples[0]?.payload).toMatchObject({ success: false, code: expect.any(String) });
      }
    }
    expect(document.operations['emit.message:send']?.description).toContain('`CapacityError`, `ValidationError`');
  });

  it('is true: all that a conversation brings is as described', async () => {
    const document = await load();
    const { schemas } = document.components;
    const { alice, bob, carol, roomId } = await chat.trio();
    const wrong: string[] = [];
    const emit = async ({ client }: typeof alice, event: string, payload: object): Promise<void> => {
      const ack = await client.emit(event, payload);
      const { acks } = messagesOf(document, event, EMIT);
      const found = acks.map((message) => problems(ack, message.payload, schemas, event));
      wrong.push(...(found.some((list) => list.length === 0) ? [] : found.flat()));
    };
    await emit(alice, 'room:join', { roomId, publicKey: 'key of alice' });
    await emit(bob, 'room:join', { roomId });
    await emit(alice, 'typing:start', { roomId });
    await emit(alice, 'message:send', { roomId, content: 'one', ttl: 60, clientId: 'c' });
    await emit(alice, 'message:send', { roomId, content: 'one', ttl: 60, clientId: 'c' });
    await emit(alice, 'message:send', { roomId });
    await emit(carol, 'message:send', { roomId, content: 'two' });
    await emit(bob, 'message:status', { roomId, upToSeq: 1, status: 'seen' });
    await emit(bob, 'message:status', { roomId, status: 'seen' });
    await emit(bob, 'auth:refresh', { token: bob.token });
    const { messageId } = await say(alice, roomId, 'about to change');
    await say(bob, roomId, 'an answer', { replyTo: messageId });
    await emit(alice, 'message:edit', { roomId, messageId, content: 'changed' });
    await emit(bob, 'message:react', { roomId, messageId, emoji: '👍' });
    await emit(bob, 'room:join', { roomId });
    await emit(bob, 'message:unreact', { roomId, messageId, emoji: '👍' });
    await emit(bob, 'message:delete', { roomId, messageId });
    await emit(alice, 'message:delete', { roomId, messageId });
    await chat
      .api(alice, 'patch', `chat/rooms/${roomId}`)
      .send({ settings: { messageTtl: 30 } })
      .expect(200);
    const { messageId: burnId } = await say(alice, roomId, 'for one', { burn: true });
    await emit(bob, 'message:reveal', { roomId, messageId: burnId, revealId: 'r' });
    await emit(bob, 'message:reveal', { roomId, messageId: burnId });
    const group = await chat
      .api(alice, 'post', 'chat/rooms')
      .send({ type: 'private', name: 'Team', memberIds: [carol.id], settings: { moderationEnabled: true } })
      .expect(201);
    const groupId = group.body.roomId as string;
    await carol.client.next('room:invited');
    await chat.api(carol, 'post', `chat/rooms/${groupId}/join`).expect(200);
    await emit(alice, 'message:send', { roomId: groupId, content: 'who listens?' });
    await carol.client.next('room:activity');
    await emit(alice, 'room:join', { roomId: groupId });
    await emit(carol, 'room:join', { roomId: groupId });
    await emit(carol, 'message:send', { roomId: groupId, content: 'in the team' });
    const { messageId: reported } = await say(alice, groupId, 'not nice');
    const report = `chat/rooms/${groupId}/messages/${reported}/report`;
    await chat.api(carol, 'post', report).send({ reason: 'rude' }).expect(201);
    await alice.client.next('message:reported');
    await chat.api(alice, 'delete', `chat/rooms/${groupId}/members/${carol.id}`).expect(204);
    await carol.client.next('room:kicked');
    await emit(bob, 'room:join', { roomId, since: 1, epoch: 'another' });
    await emit(bob, 'room:leave', { roomId });
    await chat.pass(61_000);
    bob.client.socket.emit('message:send', {});
    await say(alice, roomOf(alice, carol), 'three');
    await chat.api(alice, 'delete', 'users/me').expect(204);
    await carol.client.next('room:closed');
    await chat.leave(bob.client);
    await chat.pass(3000);
    await carol.client.settle();
    const received = [alice, bob, carol].flatMap(({ client }) => client.received);
    for (const { event, payload } of received) {
      wrong.push(...problems(payload, messagesOf(document, event, ON).sent.payload, schemas, event));
    }
    expect(wrong).toEqual([]);
    const seen = new Set(received.map(({ event }) => event));
    const unseen = serverEvents().filter(({ name, namespace }) => namespace === '/' && !seen.has(name));
    expect(unseen.map(({ name }) => name)).toEqual(['server:draining']);
  });

  it('is true in /rooms too', async () => {
    const namespace = '/rooms';
    const document = await load();
    const { schemas } = document.components;
    const [alice, account] = [await chat.person('alice'), await chat.register('bob')];
    const client = await chat.connect(account, undefined, namespace);
    const roomId = roomOf(alice, account);
    const wrong: string[] = [];
    const emit = async (event: string, payload?: object): Promise<void> => {
      const ack = await client.emit(event, payload);
      const { acks } = messagesOf(document, event, EMIT, namespace);
      const found = acks.map((message) => problems(ack, message.payload, schemas, event));
      wrong.push(...(found.some((list) => list.length === 0) ? [] : found.flat()));
    };
    const { messageId: first } = await say(alice, roomId, 'one', { ttl: 60 });
    await emit('join-rooms');
    await emit('send-message', { roomId, content: 'two', ttl: 60, replyTo: first });
    await alice.client.emit('message:edit', { roomId, messageId: first, content: 'another' });
    await alice.client.emit('message:react', { roomId, messageId: first, emoji: '👍' });
    await alice.client.emit('message:delete', { roomId, messageId: first });
    await emit('send-message', { roomId });
    const { messageId } = await say(alice, roomId, 'three', { burn: true, ttl: 60 });
    await emit('reveal-message', { roomId, messageId });
    await emit('typing-start', { roomId });
    await emit('typing-stop', { roomId });
    await emit('auth:refresh', { token: account.token });
    await alice.client.emit('typing:start', { roomId });
    await alice.client.emit('typing:stop', { roomId });
    const settings = { moderationEnabled: true };
    const team = { type: 'private', name: 'Team', memberIds: [alice.id], settings };
    const groupId = (await chat.api(account, 'post', 'chat/rooms').send(team).expect(201)).body.roomId as string;
    await chat.api(alice, 'post', `chat/rooms/${groupId}/join`).expect(200);
    const { messageId: sent } = await client.emit('send-message', { roomId: groupId, content: 'not nice' });
    const report = `chat/rooms/${groupId}/messages/${sent as string}/report`;
    await chat.api(alice, 'post', report).send({ reason: 'rude' }).expect(201);
    await client.next('message-reported');
    client.socket.emit('send-message', {});
    await chat.pass(61_000);
    await chat.leave(alice.client);
    await chat.pass(3000);
    await client.next('user-presence-update');
    await chat.api(alice, 'delete', `chat/rooms/${roomId}`).expect(204);
    await client.next('room-kicked');
    await client.settle();
    for (const { event, payload } of client.received) {
      wrong.push(...problems(payload, messagesOf(document, event, ON, namespace).sent.payload, schemas, event));
    }
    expect(wrong).toEqual([]);
    const seen = new Set(client.received.map(({ event }) => event));
    const unseen = serverEvents().filter((one) => one.namespace === namespace && !seen.has(one.name));
    expect(unseen.map(({ name }) => name)).toEqual([]);
  });

  it('is true in /ghost too', async () => {
    const document = await load();
    const { schemas } = document.components;
    const token = freshToken(chat);
    const [one, two] = [await ghostSocket(chat.url), await ghostSocket(chat.url)];
    const wrong: string[] = [];
    /** Sends it with an ack, which must fit, and, where it is refused, without: gives the code. */
    const emit = async (client: TestClient, event: string, payload: object): Promise<unknown> => {
      const ack = await client.emit(event, payload);
      const [success, refusal] = messagesOf(document, event, EMIT, GHOST).acks;
      wrong.push(...problems(ack, (ack.success ? success : refusal)?.payload ?? {}, schemas, event));
      if (!ack.success) {
        const told = client.all('error').length;
        client.socket.emit(event, payload);
        await client.until(() => client.all('error')[told], 'error');
      }
      return ack.code;
    };
    const own = { roomToken: token, sender: 'Ghost-1' };
    const png = await picture(8, 6).png().toBuffer();
    const image = { name: 'x.png', data: `data:image/png;base64,${png.toString('base64')}` };

    expect(await emit(one, 'join-room', { roomToken: 'no token', agentId: 'Ghost-1' })).toBe('ValidationError');
    expect(await emit(one, 'send-message', { ...own, message: 'x' })).toBe('AuthorizationError');
    await emit(one, 'join-room', { roomToken: token, agentId: 'Ghost-1' });
    expect(await emit(two, 'join-room', { roomToken: token, agentId: 'Ghost-1' })).toBe('ConflictError');
    await emit(two, 'join-room', { roomToken: token, agentId: 'Ghost-2' });
    await emit(one, 'typing', { roomToken: token });
    await emit(one, 'stopped-typing', { roomToken: token });
    await emit(one, 'send-message', { ...own, message: 'one', ttl: '60' });
    await emit(one, 'send-message', { ...own, message: 'burns', ttl: 0 });
    expect(await emit(one, 'send-message', { ...own, message: 'x', ttl: -1 })).toBe('ValidationError');
    expect(await emit(one, 'send-message', { ...own, message: 'x', sender: 'Ghost-2' })).toBe('AuthorizationError');
    await emit(one, 'send-image', { ...own, imageData: { ...image, blob: png }, caption: 'c2VjcmV0', ttl: 60 });
    const { body: uploaded } = await request(chat.url).post('/ghost/api/upload-image').attach('image', png, 'x.png');
    await emit(one, 'send-image', { ...own, imageData: { filename: uploaded.filename }, ttl: 0 });
    expect(await emit(one, 'send-image', { ...own, imageData: {} })).toBe('ValidationError');
    expect(await emit(one, 'send-image', { ...own, imageData: { filename: 'x.png' } })).toBe('NotFoundError');
    const text = `data:image/png;base64,${Buffer.from('plain text').toString('base64')}`;
    expect(await emit(one, 'send-image', { ...own, imageData: { data: text } })).toBe('UnsupportedMediaTypeError');
    expect(await emit(one, 'typing', { roomToken: 'XYZ-999-ABC' })).toBe('AuthorizationError');
    await two.until(() => two.all('new-message')[3], 'Four messages');
    await chat.pass(61_000);
    await two.until(() => two.all('message-expired')[3], 'The end of four messages');
    await emit(two, 'leave-room', { roomToken: token });
    await Promise.all([one.settle(), two.settle()]);
    const received = [one, two].flatMap((client) => client.received);
    for (const { event, payload } of received) {
      wrong.push(...problems(payload, messagesOf(document, event, ON, GHOST).sent.payload, schemas, event));
    }
    expect(wrong).toEqual([]);
    const seen = new Set(received.map(({ event }) => event));
    const unseen = serverEvents().filter((event) => event.namespace === GHOST && !seen.has(event.name));
    expect(unseen.map(({ name }) => name)).toEqual([]);
    const fieldsOf = (payload: object): string => Object.keys(payload).sort().join();
    const messages = received.filter(({ event }) => event === 'new-message');
    const { examples } = messagesOf(document, 'new-message', ON, GHOST).sent;
    expect(new Set(messages.map(({ payload }) => fieldsOf(payload)))).toEqual(
      new Set(examples.map(({ payload }) => fieldsOf(payload))),
    );
  });

  it('is open to everyone, as often as they like', async () => {
    await chat.close();
    chat = await ChatApp.start({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '1' });
    for (let i = 0; i < 3; i++) {
      await get('/api/asyncapi.json').expect(200).expect('Content-Type', /json/);
      await get('/api/events').expect(200);
    }
  });

  it('names the address that people see', async () => {
    expect((await load()).servers.native).toMatchObject({ protocol: 'ws', host: 'localhost:3000', pathname: '/' });
    await chat.close();
    chat = await ChatApp.start({ PUBLIC_URL: 'https://example.com/chat/' });
    const document = await load();
    expect(document.servers.native).toMatchObject({ protocol: 'wss', host: 'example.com', pathname: '/chat/' });
    expect(await faults(document)).toEqual([]);
  });
});

describe('the page of the event reference', () => {
  const viewer = '/api/events/viewer.js';

  beforeEach(async () => {
    chat = await ChatApp.start();
  });

  it('is made of what this server has, and of nothing inline that runs', async () => {
    const { text } = await get('/api/events').expect(200).expect('Content-Type', /html/);
    const used = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    expect(used).toEqual(['events/viewer.css', 'asyncapi.json', 'events/viewer.js', 'events/page.js']);
    for (const address of used) {
      await get(new URL(address, `${chat.url}/api/events`).pathname).expect(200);
    }
    expect(text).not.toMatch(/<script(?! src=)/);
    const { text: script } = await get('/api/events/page.js').expect('Content-Type', /javascript/);
    expect(script).toContain("'asyncapi.json'");
    expect(script).not.toMatch(/https?:/);
  });

  it('is the only one whose scripts may evaluate text', async () => {
    const evaluates = async (path: string): Promise<boolean> =>
      /unsafe-eval/.test((await get(path)).headers['content-security-policy'] ?? 'unsafe-eval');
    expect(await evaluates('/api/events')).toBe(true);
    for (const path of ['/api/docs', '/api/asyncapi.json', '/api/events/page.js', viewer, '/', '/api/nothing']) {
      expect([path, await evaluates(path)]).toEqual([path, false]);
    }
  });

  it('is found with a slash behind it too', async () => {
    await get('/api/events/').expect(308).expect('Location', '../events');
  });

  it('has a viewer that is compressed once, and plain where it has to be', async () => {
    const packed = await get(viewer).expect(200).expect('Content-Encoding', 'gzip');
    expect(packed.headers).toMatchObject({
      'cache-control': 'public, max-age=3600',
      vary: expect.stringMatching(/Accept-Encoding/),
    });
    const plain = await get(viewer).set('Accept-Encoding', 'identity').expect(200);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers['content-type']).toMatch(/javascript/);
    expect(plain.text).toBe(packed.text);
    expect(plain.text).toContain('AsyncApiStandalone');
  });
});
