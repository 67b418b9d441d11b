import { JwtService } from '@nestjs/jwt';
import type { Response } from 'supertest';
import request from 'supertest';
import { ERROR_STATUS } from '../src/common/app-error';
import { HandlerMap } from '../src/realtime/handler-map';
import { UsersService } from '../src/users/users.service';
import {
  type Actor,
  ACTORS,
  compare,
  EVENTS,
  type EventRow,
  type RouteRow,
  ROUTES,
  type World,
} from './support/authz-table';
import { ChatApp, roomEvents, roomOf, say, type Person } from './support/chat-app';
import type { Account } from './support/clients';
import { enter, freshToken, whisper } from './support/ghosts';
import { picture } from './support/pictures';
import { RawSocket } from './support/raw-socket';

const NEEDLE = 'for two people alone';
const GHOST = 'Ghost-1';

let chat: ChatApp;
let image: Buffer;

beforeAll(async () => {
  chat = await ChatApp.start({
    GHOST_JOINS_PER_MINUTE: '100000',
    METRICS_TOKEN: 'a-token-that-only-Prometheus-has',
    ADMIN_TOKEN: 'a-token-that-only-operators-have',
    UPLOADS_PER_MINUTE: '10000',
  });
  image = await picture(4, 4).png().toBuffer();
  const peer = { username: 'peer', email: 'peer@example.com', password: 'correct horse' };
  await request(chat.url).post('/api/auth/register').send(peer).expect(201);
});

afterAll(() => chat.close());

/** Method and path of every route that Express knows, whoever registered it. */
function registeredRoutes(): string[] {
  interface Layer {
    route?: { path: string; methods: Record<string, boolean> };
  }
  const express = chat.nest.getHttpAdapter().getInstance() as { router: { stack: Layer[] } };
  return express.router.stack.flatMap(({ route }) =>
    route ? Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`) : [],
  );
}

function registeredEvents(): string[] {
  const namespaces = chat.get(HandlerMap).build();
  return namespaces.flatMap(({ namespace, handlers }) => [...handlers.keys()].map((event) => `${namespace} ${event}`));
}

interface Scene extends Omit<World, 'name'> {
  readonly peer: Person;
  readonly tokens: Readonly<Record<Actor, string | undefined>>;
}

let asked = 0;

/** A room with a message of the peer in it, and everyone who may ask; with an image where the handler is about one. */
async function scene(handler: string): Promise<Scene> {
  const names = ['member', 'stranger', 'admin', 'gone'] as const;
  const [member, stranger, admin, gone] = await Promise.all(names.map((name) => chat.register(name)));
  const [peer, guest] = [await chat.person('peer'), await chat.guest()];
  if (!member || !stranger || !admin || !gone) {
    throw new Error('Somebody is missing');
  }
  await chat.get(UsersService).update(admin.id, { role: 'admin' });
  await chat.api(gone, 'post', 'auth/logout').expect(204);
  const roomId = roomOf(member, peer);
  const { messageId } = await say(peer, roomId, NEEDLE, { burn: handler.includes('reveal') });
  const groupId = await privateRoom(member, peer);
  const filename = handler.includes(':filename') ? await upload(member) : '';
  const ghostToken = freshToken(chat);
  if (handler.includes(':token') || handler.startsWith('/ghost ')) {
    await whisper(await enter(chat.url, ghostToken, GHOST), NEEDLE);
  }
  peer.client.received.length = 0;
  return {
    ...{
      roomId,
      groupId,
      otherId: (await chat.register('other')).id,
      messageId,
      peer,
      peerId: peer.id,
      memberToken: member.token,
      password: member.password,
    },
    filename,
    ...{ ghostToken, ghostName: GHOST },
    tokens: {
      member: member.token,
      stranger: stranger.token,
      admin: admin.token,
      guest: guest.token,
      expired: expired(member),
      revoked: gone.token,
      anonymous: undefined,
    },
  };
}

async function privateRoom(admin: Account, member: Account): Promise<string> {
  const wanted = { type: 'private', name: 'A few', memberIds: [member.id] };
  const { body } = await chat.api(admin, 'post', 'chat/rooms').send(wanted).expect(201);
  await chat.api(member, 'post', `chat/rooms/${body.roomId}/join`).expect(200);
  await chat.api(member, 'post', `chat/rooms/${body.roomId}/messages`).send({ content: NEEDLE }).expect(201);
  return body.roomId as string;
}

async function upload(person: Account): Promise<string> {
  const { body } = await chat.api(person, 'post', 'images/upload').attach('image', image, 'x.png').expect(200);
  return body.filename as string;
}

function expired({ token }: Account): string {
  const jwt = chat.get(JwtService);
  const { sub, kind, jti, gen } = jwt.decode<Record<string, unknown>>(token);
  return jwt.sign({ sub, kind, jti, gen, exp: chat.clock.now() / 1000 - 1 });
}

/** What the room looks like to the peer: nothing that was refused may have changed it. */
async function state({ peer, roomId, groupId }: Scene): Promise<unknown> {
  await peer.client.settle();
  const reads = await Promise.all(
    ['chat/rooms', `chat/rooms/${roomId}/messages`, `chat/rooms/${groupId}/messages`].map((path) =>
      chat.api(peer, 'get', path),
    ),
  );
  return {
    rooms: reads[0]?.body,
    messages: reads.slice(1).map(({ body }) => body as unknown),
    heard: roomEvents(peer.client),
  };
}

function ask({ handler, group, body, file }: RouteRow, { tokens, ...world }: Scene, actor: Actor): Promise<Response> {
  const [method = '', path = ''] = handler.split(' ');
  const { messageId, peerId, filename, ghostToken } = world;
  const roomId = group ? world.groupId : world.roomId;
  const values = {
    ':token': ghostToken,
    ':roomId': roomId,
    ':userId': peerId,
    ':messageId': messageId,
    ':id': peerId,
    ':filename': filename,
    ':emoji': '%F0%9F%91%8D',
  };
  const filled = Object.entries(values).reduce((filling, [name, value]) => filling.replace(name, value), path);
  const verb = method.toLowerCase() as 'get' | 'post' | 'patch' | 'put' | 'delete';
  const call = request(chat.url)[verb](filled);
  const token = tokens[actor];
  if (token !== undefined) {
    void call.set('Authorization', `Bearer ${token}`);
  }
  if (file !== undefined) {
    void call.attach(file, image, 'x.png');
  }
  return Promise.resolve(body ? call.send(body({ ...world, name: `new.${asked++}` })) : call);
}

describe('the table', () => {
  it('has every route that the application serves, and no other', () => {
    expect(compare(registeredRoutes(), ROUTES)).toEqual({ missing: [], stale: [] });
  });

  it('has every event that a gateway handles, and no other', () => {
    expect(compare(registeredEvents(), EVENTS)).toEqual({ missing: [], stale: [] });
  });

  it('reports a handler that is not in it, and a row without a handler', () => {
    for (const [registered, rows] of [
      [registeredRoutes(), ROUTES],
      [registeredEvents(), EVENTS],
    ] as const) {
      const [first, ...rest] = rows;
      expect(compare(registered, rest)).toEqual({ missing: [first?.handler], stale: [] });
      expect(compare(registered.slice(1), rows)).toEqual({ missing: [], stale: [registered[0]] });
    }
  });

  it('knows a route and an event that appear while the application runs', () => {
    chat.nest
      .getHttpAdapter()
      .getInstance()
      .get('/api/forgotten', () => undefined);
    expect(compare(registeredRoutes(), ROUTES).missing).toEqual(['GET /api/forgotten']);
  });
});

describe('the route', () => {
  it.each(ROUTES.map((row) => [row.handler, row] as const))('%s is for whom the table says', async (handler, row) => {
    const world = await scene(handler);
    const before = await state(world);
    // Who is refused first: nothing may have changed after that.
    const refused = ACTORS.filter((actor) => row.status[actor] >= 400);
    for (const actor of refused) {
      const { status, body, text } = await ask(row, world, actor);
      expect([actor, status]).toEqual([actor, row.status[actor]]);
      const code = Object.entries(ERROR_STATUS).find(([, known]) => known === status)?.[0];
      expect(body).toMatchObject({ success: false, code, statusCode: status });
      expect(text).not.toContain(NEEDLE);
      expect([actor, await state(world)]).toEqual([actor, before]);
    }
    for (const actor of ACTORS.filter((one) => !refused.includes(one))) {
      expect([actor, (await ask(row, world, actor)).status]).toEqual([actor, row.status[actor]]);
    }
    world.peer.client.close();
  });
});

/** The outcome of an event for somebody: `success` or a code, of the ack or of the handshake. */
async function emit({ handler, payload }: EventRow, world: Scene, actor: Actor): Promise<string> {
  const [namespace, event = ''] = handler.split(' ');
  const token = world.tokens[actor] ?? '';
  try {
    const client = await chat.connect({ token }, undefined, namespace);
    const ack = await client.emit(event, payload({ ...world, name: `new.${asked++}` }));
    client.close();
    expect(actor === 'member' ? '' : JSON.stringify([ack, roomEvents(client)])).not.toContain(NEEDLE);
    return ack.success ? 'success' : String(ack.code);
  } catch (error) {
    return (error as { data?: { code?: string } }).data?.code ?? String(error);
  }
}

describe('the event', () => {
  it.each(EVENTS.map((row) => [row.handler, row] as const))('%s is for whom the table says', async (handler, row) => {
    const world = await scene(handler);
    const before = await state(world);
    for (const actor of [...ACTORS].reverse()) {
      expect([actor, await emit(row, world, actor)]).toEqual([actor, row.outcome[actor]]);
      if (actor !== 'member') {
        expect([actor, await state(world)]).toEqual([actor, before]);
      }
    }
    world.peer.client.close();
  });

  it.each(EVENTS.map((row) => [row.handler, row] as const))(
    '%s does nothing on a connection that entered no namespace, or for another namespace',
    async (handler, row) => {
      const world = await scene(handler);
      const before = await state(world);
      const packet = JSON.stringify([handler.split(' ')[1], row.payload({ ...world, name: `new.${asked++}` })]);
      const outside = await RawSocket.open(chat.url);
      outside.send(`421${packet}`);
      const elsewhere = await RawSocket.connect(chat.url, world.tokens.stranger ?? '');
      elsewhere.send(`42/elsewhere,1${packet}`);
      await Promise.all([outside.closed, elsewhere.closed]);
      expect([...outside.received, ...elsewhere.received].filter((came) => came.startsWith('43'))).toEqual([]);
      expect(await state(world)).toEqual(before);
      world.peer.client.close();
    },
  );
});

describe('a token that is revoked under a live socket', () => {
  // Where no token is needed there is none to take away.
  const rows = EVENTS.filter(({ outcome }) => outcome.anonymous === 'AuthenticationError');
  it.each(rows.map((row) => [row.handler, row] as const))('takes %s away', async (handler, row) => {
    const world = await scene(handler);
    const [namespace, name = ''] = handler.split(' ');
    const client = await chat.connect({ token: world.memberToken }, undefined, namespace);
    await chat.api({ token: world.memberToken }, 'post', 'auth/logout').expect(204);
    const before = await state(world);
    client.socket.emit(name, row.payload({ ...world, name: `new.${asked++}` }));
    await client.closed();
    expect(await state(world)).toEqual(before);
  });
});
