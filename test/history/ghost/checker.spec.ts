import type { Kind } from '../violations';
import { checkGhosts } from './checker';
import { GhostLog, type Told, type Whisper } from './log';

const START = Date.UTC(2030, 0, 1);
const TIMES = { tellMs: 1500, burnDelayMs: 10_000 };
const LATENCY_MS = 5;

/** A log made by hand: `a`, `b` and `c` in one room, `b2` another tab of `b`. */
class GhostScene {
  now = START;
  readonly log = new GhostLog(() => this.now);
  private readonly conns = new Map<string, number>();

  constructor() {
    for (const name of ['a', 'b', 'b2', 'c']) {
      this.log.addClient({ name, userId: name.charAt(0), roomId: 'ABC-123-XYZ' });
    }
  }

  kinds(): Kind[] {
    return [...new Set(checkGhosts(this.log, TIMES).violations.map(({ kind }) => kind))];
  }

  tell(client: string, told: Told): void {
    this.log.tell(client, this.conns.get(client) ?? 0, told);
    this.now += 1;
  }

  enter(client: string, participants: readonly string[], told: readonly string[] = []): void {
    this.conns.set(client, (this.conns.get(client) ?? 0) + 1);
    this.tell(client, { told: 'connect', node: 0 });
    const asked = this.ask(client, { ask: 'enter', withKey: true });
    this.log.answer(asked, { answer: 'entered', participants });
    told.forEach((other) => this.tell(other, { told: 'came', agentId: client.charAt(0) }));
    this.now += LATENCY_MS;
  }

  send(client: string, key: string, ttl: number, to: readonly string[]): Whisper {
    const asked = this.ask(client, { ask: 'send', key, ttl });
    const whisper = { id: `m-${key}`, key, sender: client.charAt(0), createdAt: this.now, ttl };
    to.forEach((other) => this.tell(other, { told: 'new', message: whisper }));
    this.log.answer(asked, { answer: 'sent', id: whisper.id, createdAt: whisper.createdAt });
    this.now += LATENCY_MS;
    return whisper;
  }

  page(client: string, messages: readonly Whisper[]): void {
    this.log.answer(this.ask(client, { ask: 'page', call: true }), { answer: 'page', messages });
    this.now += LATENCY_MS;
  }

  leave(client: string, told: readonly string[]): void {
    const asked = this.ask(client, { ask: 'leave' });
    told.forEach((other) => this.tell(other, { told: 'went', agentId: client.charAt(0) }));
    this.log.answer(asked, { answer: 'done' });
    this.now += LATENCY_MS;
  }

  settle(...clients: string[]): void {
    this.now += 5000;
    clients.forEach((client) => this.log.answer(this.ask(client, { ask: 'settle' }), { answer: 'done' }));
    this.now += LATENCY_MS;
  }

  private ask(client: string, ask: Parameters<GhostLog['ask']>[2]): ReturnType<GhostLog['ask']> {
    const asked = this.log.ask(client, this.conns.get(client) ?? 0, ask);
    this.now += 1;
    return asked;
  }
}

/** Two who are there. */
function story(): GhostScene {
  const scene = new GhostScene();
  scene.enter('a', ['a']);
  scene.enter('b', ['a', 'b'], ['a']);
  return scene;
}

const BROKEN: [Kind, string, (scene: GhostScene) => void][] = [
  ['lost', 'a message that somebody is not told', (scene) => (scene.send('a', 'k1', 60, ['a']), scene.settle('b'))],
  [
    'lost',
    'a message that history leaves out',
    (scene) => (scene.send('a', 'k1', 60, ['a', 'b']), scene.page('b', [])),
  ],
  [
    'lost',
    'a waiting message that does not come',
    (scene) => {
      scene.leave('b', ['a']);
      scene.send('a', 'k1', 0, ['a']);
      scene.enter('b', ['a', 'b'], ['a']);
      scene.now += 5000;
      scene.settle('b');
    },
  ],
  [
    'reveal',
    'a waiting message that comes to two',
    (scene) => {
      scene.leave('b', ['a']);
      const message = scene.send('a', 'k1', 0, ['a']);
      scene.enter('b', ['a', 'b'], ['a']);
      scene.enter('c', ['a', 'b', 'c'], ['a', 'b']);
      scene.tell('b', { told: 'new', message });
      scene.tell('c', { told: 'new', message });
    },
  ],
  [
    'doubled',
    'a message that comes twice',
    (scene) => scene.tell('b', { told: 'new', message: scene.send('a', 'k1', 60, ['a', 'b']) }),
  ],
  [
    'reordered',
    'messages in another order for somebody',
    (scene) => {
      const first = scene.send('a', 'k1', 60, ['a']);
      scene.send('a', 'k2', 60, ['a', 'b']);
      scene.tell('b', { told: 'new', message: first });
    },
  ],
  [
    'after-expiry',
    'history with what has expired',
    (scene) => {
      const message = scene.send('a', 'k1', 1, ['a', 'b']);
      scene.now += 2000;
      scene.page('b', [message]);
    },
  ],
  ['exposed', 'history with what burns', (scene) => scene.page('b', [scene.send('a', 'k1', 0, ['a', 'b'])])],
  [
    'early-expiry',
    'a countdown that is too short',
    (scene) => {
      scene.send('a', 'k1', 0, ['a', 'b']);
      scene.now += TIMES.burnDelayMs / 2;
      scene.tell('b', { told: 'expired', id: 'm-k1' });
    },
  ],
  [
    'not-dropped',
    'an end that nobody tells',
    (scene) => {
      scene.send('a', 'k1', 1, ['a', 'b']);
      scene.settle('a', 'b');
    },
  ],
  [
    'after-leave',
    'a message to who has left',
    (scene) => {
      scene.leave('b', ['a']);
      scene.settle('b');
      scene.send('a', 'k1', 60, ['a', 'b']);
    },
  ],
  ['presence', 'somebody who comes twice', (scene) => scene.tell('a', { told: 'came', agentId: 'b' })],
  ['presence', 'somebody who never came and goes', (scene) => scene.tell('a', { told: 'went', agentId: 'c' })],
  ['presence', 'a change of connection that is told', (scene) => scene.enter('b2', ['a', 'b'], ['a'])],
  [
    'presence',
    'somebody who comes unnoticed',
    (scene) => (scene.enter('c', ['a', 'b', 'c'], ['a']), scene.settle('b')),
  ],
  ['presence', 'somebody who goes unnoticed', (scene) => (scene.leave('b', []), scene.settle('a'))],
  [
    'corrupt',
    'a text that nobody sent',
    (scene) =>
      scene.tell('b', { told: 'new', message: { id: 'x', key: 'k9', sender: 'a', createdAt: scene.now, ttl: 60 } }),
  ],
];

describe('the checker of anonymous rooms', () => {
  it.each(BROKEN)('finds %s: %s', (kind, _what, breakIt) => {
    const scene = story();
    expect(scene.kinds()).toEqual([]);
    breakIt(scene);
    expect(scene.kinds()).toContain(kind);
  });

  it('lets a tab take the place of another silently, and what waits come to the first who stays', () => {
    const scene = story();
    scene.enter('b2', ['a', 'b']);
    const message = scene.send('a', 'k1', 60, ['a', 'b2']);
    scene.leave('b2', ['a']);
    const waiting = scene.send('a', 'k2', 0, ['a']);
    scene.enter('c', ['a', 'c'], ['a']);
    scene.page('c', [message]);
    scene.now += 3000;
    scene.tell('c', { told: 'new', message: waiting });
    scene.now += TIMES.burnDelayMs;
    scene.tell('a', { told: 'expired', id: waiting.id });
    scene.tell('c', { told: 'expired', id: waiting.id });
    scene.settle('a', 'c');
    expect(scene.kinds()).toEqual([]);
  });
});
