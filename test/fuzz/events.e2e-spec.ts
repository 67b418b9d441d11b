import { HandlerMap } from '../../src/realtime/handler-map';
import { RealtimeServer } from '../../src/realtime/realtime-server';
import { roomOf } from '../support/chat-app';
import type { TestClient } from '../support/clients';
import { mutate, NASTY, rawPackets } from '../support/fuzz';
import { emitAll } from '../support/fuzz-events';
import { fuzzScene, SEED } from '../support/fuzz-scene';
import { RawSocket } from '../support/raw-socket';

const MUTATIONS = 600;
const scene = fuzzScene();

type Payloads = Readonly<Record<string, object>>;

/** Valid payloads of every event of a namespace, by which the fuzz gets past the first check. */
const VALID: Readonly<Record<string, () => Payloads>> = { '/': native, '/rooms': rooms };

function native(): Payloads {
  const roomId = roomOf(scene.mallory, scene.alice);
  return {
    'auth:refresh': { token: scene.mallory.token },
    'room:join': { roomId, publicKey: 'k', since: 0, epoch: 'x', sinceTime: scene.chat.iso() },
    'rooms:join': { any: 'x' },
    'room:leave': { roomId },
    'message:send': { roomId, content: 'x', ttl: 60, clientId: 'c', type: 'text', burn: false },
    'message:reveal': { roomId, messageId: 'msg_1_x', revealId: 'r' },
    'message:status': { roomId, messageId: 'msg_1_x', status: 'seen' },
    'room:read': { roomId, upToSeq: 1 },
    'message:edit': { roomId, messageId: 'msg_1_x', content: 'y' },
    'message:delete': { roomId, messageId: 'msg_1_x' },
    'message:react': { roomId, messageId: 'msg_1_x', emoji: '👍' },
    'message:unreact': { roomId, messageId: 'msg_1_x', emoji: '👍' },
    'typing:start': { roomId },
    'typing:stop': { roomId },
  };
}

function rooms(): Payloads {
  const roomId = roomOf(scene.mallory, scene.alice);
  return {
    'auth:refresh': { token: scene.mallory.token },
    'join-rooms': { any: 'x' },
    'send-message': { roomId, content: 'x', ttl: 60, clientId: 'c', type: 'text', burn: false },
    'reveal-message': { roomId, messageId: 'msg_1_x', revealId: 'r' },
    'typing-start': { roomId },
    'typing-stop': { roomId },
  };
}

it('events of every namespace with tokens are all fuzzed', () => {
  const namespaces = scene.chat.get(HandlerMap).build();
  for (const { namespace, handlers } of namespaces.filter(({ anonymous }) => !anonymous)) {
    expect([namespace, ...Object.keys(VALID[namespace]?.() ?? {}).sort()]).toEqual([
      namespace,
      ...[...handlers.keys()].sort(),
    ]);
  }
});

describe.each(Object.keys(VALID))('events of %s', (namespace) => {
  const valid = (): Payloads => VALID[namespace]?.() ?? {};
  let client: TestClient;

  beforeAll(async () => {
    client = namespace === '/' ? scene.mallory.client : await scene.chat.connect(scene.mallory, undefined, namespace);
  });

  it('survive every nasty payload, and none at all', async () => {
    const packets = Object.keys(valid()).flatMap((event) => [
      [event] as [string],
      ...NASTY.map((payload) => [event, payload] as [string, unknown]),
      [event, 1, 2, 3] as [string, ...unknown[]],
    ]);
    await emitAll(scene.chat, client, packets);
  });

  it('survive every nasty value in every field', async () => {
    const packets = Object.entries(valid()).flatMap(([event, payload]) =>
      Object.keys(payload).flatMap((field) =>
        NASTY.map((value) => [event, { ...payload, [field]: value }] as [string, unknown]),
      ),
    );
    await emitAll(scene.chat, client, packets);
  });

  it(`survive ${MUTATIONS} scene.random mutations (FUZZ_SEED=${SEED})`, async () => {
    const events = Object.entries(valid());
    const packets = Array.from({ length: MUTATIONS }, () => {
      const [event, payload] = scene.random.pick(events);
      return [event, mutate(payload, scene.random)] as [string, unknown];
    });
    await emitAll(scene.chat, client, packets);
  });

  it('survive strings of 10 MB', async () => {
    const huge = 'x'.repeat(10 * 1024 * 1024);
    const packets = Object.entries(valid()).map(([event, payload]) => {
      const field = 'content' in payload ? 'content' : (Object.keys(payload)[0] ?? '');
      return [event, { ...payload, [field]: huge }] as [string, unknown];
    });
    await emitAll(scene.chat, client, [...packets, ['typing:stop', huge], [huge, {}]]);
  });

  it('survive JSON that is nested 100 000 deep', async () => {
    const raw = await RawSocket.connect(scene.chat.url, scene.mallory.token, namespace);
    const at = namespace === '/' ? '' : `${namespace},`;
    const depth = 100_000;
    const nested = [`${'['.repeat(depth)}${']'.repeat(depth)}`, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`];
    let id = 0;
    for (const event of Object.keys(valid())) {
      for (const value of nested) {
        for (const payload of [
          value,
          `{"roomId":${value},"token":${value},"content":${value}}`,
          `{"extra":${value}}`,
        ]) {
          raw.send(`42${at}${++id}["${event}",${payload}]`);
          expect(await raw.next((packet) => packet.startsWith(`43${at}${id}[`))).not.toContain('InternalServerError');
          scene.chat.clock.advance(10_001);
        }
      }
    }
    raw.close();
  });
});

/** Waits until a poll waits at the server: without one, a connection that is closed lingers for half a minute. */
async function pollArrived(sid: string): Promise<void> {
  const { clients } = scene.chat.get(RealtimeServer).io.engine as unknown as {
    clients: Record<string, { transport: { writable: boolean } }>;
  };
  while (clients[sid]?.transport.writable === false) {
    await new Promise(setImmediate);
  }
}

describe('raw frames', () => {
  it('end their own connection at most', async () => {
    for (const packet of rawPackets(scene.mallory.token, scene.random)) {
      const raw = await RawSocket.connect(scene.chat.url, scene.mallory.token);
      raw.send(packet);
      raw.send('421["typing:stop",{"roomId":"x"}]');
      await Promise.race([raw.closed, raw.next((came) => came.startsWith('431'))]).catch(() => undefined);
      raw.close();
    }
  });

  it('get nobody in, however large or deep the handshake is', async () => {
    const { token } = scene.mallory;
    const depth = 100_000;
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const handshakes = [`{"token":${deep}}`, `{"a":${deep}}`, `{"token":"${'x'.repeat(10 * 1024 * 1024)}"}`].concat(
      `{${Array.from({ length: depth }, (_, i) => `"k${i}":0`).join(',')}}`,
      `{"__proto__":{"token":${JSON.stringify(token)}}}`,
      `{"constructor":{"prototype":{"token":${JSON.stringify(token)}}}}`,
    );
    for (const handshake of handshakes) {
      const raw = await RawSocket.open(scene.chat.url);
      raw.send(`40${handshake}`);
      expect(await raw.next((packet) => packet.startsWith('4'))).toContain('AuthenticationError');
      raw.close();
    }
  });

  it('do not need to come by WebSocket', async () => {
    const path = `${scene.chat.url}/socket.io/?EIO=4&transport=polling`;
    for (const packet of rawPackets(scene.mallory.token, scene.random)) {
      const { sid } = JSON.parse((await (await fetch(path)).text()).slice(1)) as { sid: string };
      const post = (body: string | Buffer) => fetch(`${path}&sid=${sid}`, { method: 'POST', body });
      const poll = () => fetch(`${path}&sid=${sid}`);
      await post(`40${JSON.stringify({ token: scene.mallory.token })}`);
      await poll();
      const polling = poll();
      await pollArrived(sid);
      expect((await post(packet)).status).toBeLessThan(500);
      await post('1');
      await polling;
    }
    for (const query of [
      '',
      '?EIO=4',
      '?EIO=4&transport=x',
      '?EIO=4&transport=polling&sid=x',
      '?EIO=4&transport=__proto__',
    ]) {
      expect((await fetch(`${scene.chat.url}/socket.io/${query}`)).status).toBe(400);
    }
  });
});
