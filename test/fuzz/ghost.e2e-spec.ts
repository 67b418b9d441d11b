import { HandlerMap } from '../../src/realtime/handler-map';
import type { TestClient } from '../support/clients';
import { mutate, NASTY, rawPackets } from '../support/fuzz';
import { emitAll } from '../support/fuzz-events';
import { fuzzScene, SEED } from '../support/fuzz-scene';
import { enter, enterBy, freshToken, type Ghost, ghostSocket, whisper } from '../support/ghosts';
import { RawSocket } from '../support/raw-socket';

const MUTATIONS = 400;

const scene = fuzzScene();
let mallory: TestClient;
let token: string;
let one: Ghost;
let two: Ghost;

/** Valid payloads of every event of the namespace. */
function valid(): Record<string, object> {
  const message = { roomToken: token, message: 'x', sender: 'Mallory', ttl: 60 };
  return {
    'join-room': { roomToken: token, agentId: 'Mallory', rejoinKey: 'k' },
    'send-message': message,
    'send-image': {
      ...message,
      imageData: {
        ...{ id: 'i', name: 'n', data: 'data:image/png;base64,AAAA', filename: 'f', size: 1, mimeType: 'image/png' },
        dimensions: { width: 1, height: 1 },
      },
      caption: 'c',
    },
    typing: { roomToken: token },
    'stopped-typing': { roomToken: token },
    'leave-room': { roomToken: token },
  };
}

beforeAll(async () => {
  const quiet = freshToken(scene.chat);
  one = await enter(scene.chat.url, quiet, 'Ghost-1');
  two = await enter(scene.chat.url, quiet, 'Ghost-2');
});

beforeEach(async () => {
  token = freshToken(scene.chat);
  mallory = await ghostSocket(scene.chat.url);
  await enterBy(mallory, token, 'Mallory');
});

afterEach(async () => {
  mallory.close();
  // Two ghosts in another room have not noticed.
  const id = await whisper(one, 'still here');
  await two.client.next('new-message', (message) => message.id === id);
});

describe('events of /ghost', () => {
  it('are all fuzzed', () => {
    const ghost = scene.chat
      .get(HandlerMap)
      .build()
      .find(({ namespace }) => namespace === '/ghost');
    expect(Object.keys(valid()).sort()).toEqual([...(ghost?.handlers.keys() ?? [])].sort());
  });

  it('survive every nasty payload, and every nasty value in every field', async () => {
    const packets = Object.entries(valid()).flatMap(([event, payload]) => [
      [event] as [string],
      ...NASTY.map((junk) => [event, junk] as [string, unknown]),
      ...Object.keys(payload).flatMap((field) =>
        NASTY.map((junk) => [event, { ...payload, [field]: junk }] as [string, unknown]),
      ),
    ]);
    await emitAll(scene.chat, mallory, packets);
  });

  it(`survive ${MUTATIONS} random mutations (FUZZ_SEED=${SEED})`, async () => {
    const events = Object.entries(valid());
    const packets = Array.from({ length: MUTATIONS }, () => {
      const [event, payload] = scene.random.pick(events);
      return [event, mutate(payload, scene.random)] as [string, unknown];
    });
    await emitAll(scene.chat, mallory, packets);
  });

  it('survive strings of 10 MB and raw frames', async () => {
    const huge = 'x'.repeat(10 * 1024 * 1024);
    // Of two bytes each: a regular expression without a bound runs out of stack on these first.
    const wide = 'ж'.repeat(10 * 1024 * 1024);
    await emitAll(scene.chat, mallory, [
      ['send-message', { roomToken: token, message: huge, sender: 'Mallory' }],
      ['join-room', { roomToken: huge, agentId: huge }],
      ['send-message', huge],
      ['join-room', { roomToken: token, agentId: wide }],
    ]);
    for (const packet of rawPackets('', scene.random)) {
      const raw = await RawSocket.open(scene.chat.url);
      raw.send('40/ghost,');
      await raw.next((came) => came.startsWith('40/ghost,'));
      raw.send(packet);
      raw.send('42/ghost,1["typing",{"roomToken":"ABC-123-XYZ"}]');
      await Promise.race([raw.closed, raw.next((came) => came.startsWith('43/ghost,1'))]).catch(() => undefined);
      raw.close();
    }
  });
});
