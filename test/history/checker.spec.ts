import { type Scene, story } from './scene';
import type { Kind } from './violations';

function away(scene: Scene): void {
  scene.disconnect('b');
  scene.say('a', 3, ['a']);
  scene.say('a', 4, ['a']);
  scene.connect('b');
}

/** Each as the last act of a run that is good up to there. */
const BROKEN: [Kind, string, (scene: Scene) => unknown][] = [
  [
    'lost',
    'a message that a connected client never gets',
    (scene) => {
      scene.say('a', 3, ['a']);
      scene.pass(5000);
      scene.settle('b');
    },
  ],
  [
    'lost',
    'a message that no resume accounts for',
    (scene) => {
      away(scene);
      scene.join('b', { messages: [scene.as(4)], live: [[1, 2]], lastSeq: 4 }, 2);
    },
  ],
  [
    'lost',
    'a message that a resume says is gone',
    (scene) => {
      away(scene);
      scene.join('b', { messages: [scene.as(3), scene.as(4)], live: [[2, 2]], lastSeq: 4 }, 2);
    },
  ],
  [
    'lost',
    'a waiting message that does not come again after a join without a point',
    (scene) => {
      scene.join('b', { messages: [scene.as(1), scene.as(2)], lastSeq: 2 });
      scene.say('a', 3);
    },
  ],
  ['doubled', 'message:new twice on one connection', (scene) => scene.tellNew(2, 'a')],
  [
    'doubled',
    'message:new of what the join ack told',
    (scene) => {
      away(scene);
      scene.join('b', { messages: [scene.as(3), scene.as(4)], live: [[1, 2]], lastSeq: 4 }, 2);
      scene.tellNew(4, 'b');
    },
  ],
  ['doubled', 'two ids of one clientId', (scene) => scene.say('a', 3, ['a', 'b'], { clientId: 'k1' })],
  ['doubled', 'two messages of one seq', (scene) => scene.say('a', 2, ['a', 'b'], { id: 'other', clientId: 'other' })],
  [
    'reordered',
    'seqs that do not rise',
    (scene) => {
      scene.say('a', 3, []);
      scene.say('a', 4, []);
      scene.tellNew(4, 'a', 'b');
      scene.tellNew(3, 'a', 'b');
    },
  ],
  [
    'hole',
    'a seq left out',
    (scene) => {
      scene.say('a', 3, ['a']);
      scene.say('a', 4, ['a', 'b']);
    },
  ],
  [
    'unaccounted',
    'a resume that lists what is expired as live',
    (scene) => {
      scene.disconnect('b');
      scene.pass(61_000);
      scene.connect('b');
      scene.join('b', { live: [[1, 2]], lastSeq: 2 }, 2);
    },
  ],
  [
    'unaccounted',
    'a gap without a reason',
    (scene) => scene.join('b', { messages: [scene.as(1)], gap: false, lastSeq: 1 }, 9),
  ],
  [
    'stale',
    'a join that does not know the last message',
    (scene) => scene.join('b', { live: [[1, 1]], lastSeq: 1 }, 1),
  ],
  [
    'after-expiry',
    'history with an expired message',
    (scene) => {
      scene.pass(61_000);
      scene.page('b', [scene.as(1)]);
    },
  ],
  [
    'after-expiry',
    'message:new after the deadline',
    (scene) => {
      scene.say('a', 3, ['a'], { expiresAt: Date.UTC(2030, 0, 1) + 1000 });
      scene.pass(5000);
      scene.settle('b');
      scene.tellNew(3, 'b');
    },
  ],
  ['early-expiry', 'message:expired before the deadline', (scene) => scene.tellExpired('a', ['m1'])],
  [
    'not-dropped',
    'an expiry that nobody tells',
    (scene) => {
      scene.pass(70_000);
      scene.settle('b');
      scene.disconnect('b');
    },
  ],
  [
    'not-dropped',
    'an expiry that is told late',
    (scene) => {
      scene.pass(70_000);
      scene.settle('b');
      scene.tellExpired('b', ['m1']);
    },
  ],
  [
    'status',
    'a status that falls',
    (scene) => {
      scene.raise('b', { messageId: 'm1' }, 'seen');
      scene.page('a', [scene.as(1, 'delivered'), scene.as(2)]);
    },
  ],
  [
    'status',
    'a status that is told twice',
    (scene) => {
      scene.tellStatus('a', 'm1', 'seen');
      scene.tellStatus('a', 'm1', 'seen');
    },
  ],
  [
    'status',
    'a status that a resume does not tell',
    (scene) => {
      scene.disconnect('a');
      scene.raise('b', { messageId: 'm1' }, 'seen');
      scene.connect('a');
      scene.join('a', { live: [[1, 2]], lastSeq: 2 }, 2);
    },
  ],
  [
    'wiped',
    'a room wiped under somebody who is in it',
    (scene) => {
      scene.raise('b', { upToSeq: 2 }, 'seen');
      scene.raise('a', { upToSeq: 2 }, 'seen');
      scene.tellClosed('b');
    },
  ],
  [
    'wiped',
    'a room wiped with a message that waits',
    (scene) => {
      scene.leave('a');
      scene.leave('b');
      scene.tellClosed('a');
    },
  ],
  ['wiped', 'a room deleted by nobody', (scene) => scene.tellClosed('b', 'deleted')],
  [
    'after-leave',
    'a message to who has left',
    (scene) => {
      scene.leave('b');
      scene.say('a', 3);
    },
  ],
  ['corrupt', 'another text', (scene) => scene.say('a', 3, ['a', 'b'], { intact: false })],
  [
    'deadline',
    'a deadline that moves away',
    (scene) => scene.page('b', [{ ...scene.as(1), expiresAt: scene.as(1).expiresAt + 1000 }]),
  ],
  [
    'foreign',
    'an event of another room',
    ({ log }) => void log.tell('b', 1, { told: 'foreign', event: 'message:new', roomId: 'dm_x_y' }),
  ],
  [
    'failed',
    'an internal error',
    ({ log }) => log.answer(log.ask('b', 1, { ask: 'settle' }), { answer: 'refused', code: 'InternalServerError' }),
  ],
  ['unanswered', 'an ack that never comes', (scene) => scene.giveUp('b')],
  [
    'clock',
    'a node whose clock is off',
    (scene) => scene.join('b', { messages: [], live: [[1, 2]], lastSeq: 2, serverTime: '2030-01-01T01:00:00.000Z' }, 2),
  ],
];

describe('the checker of histories', () => {
  it.each(BROKEN)('finds %s: %s', (kind, _what, breakIt) => {
    const scene = story();
    expect(scene.kinds()).toEqual([]);
    breakIt(scene);
    expect(scene.kinds()).toContain(kind);
  });

  it('finds nothing where a client was away and is told everything', () => {
    const scene = story();
    away(scene);
    scene.join('b', { messages: [scene.as(3), scene.as(4)], live: [[1, 2]], lastSeq: 4 }, 2);
    scene.say('a', 5);
    scene.pass(5000);
    scene.settle('a', 'b');
    scene.page(
      'b',
      [1, 2, 3, 4, 5].map((seq) => scene.as(seq)),
      true,
    );
    expect(scene.kinds()).toEqual([]);
  });

  it('lets waiting messages come once more after a join without a point', () => {
    const scene = story();
    scene.join('b', { messages: [scene.as(1), scene.as(2)], lastSeq: 2 });
    scene.tellNew(1, 'b');
    scene.say('a', 3);
    expect(scene.kinds()).toEqual([]);
  });

  it('lets a resume go on with more', () => {
    const scene = story();
    away(scene);
    scene.join('b', { messages: [scene.as(3)], live: [[1, 2]], lastSeq: 3, more: true }, 2);
    scene.join('b', { messages: [scene.as(4)], live: [[1, 3]], lastSeq: 4 }, 3);
    scene.say('a', 5);
    expect(scene.kinds()).toEqual([]);
  });

  it('lets messages be gone that expired while nobody looked, and their numbers be left out', () => {
    const scene = story();
    scene.disconnect('b');
    scene.say('a', 3, ['a'], { expiresAt: Date.UTC(2030, 0, 1) + 1000 });
    scene.pass(1000);
    scene.tellExpired('a', ['m3']);
    scene.connect('b');
    scene.join('b', { live: [[1, 2]], lastSeq: 3 }, 2);
    scene.say('a', 4);
    expect(scene.kinds()).toEqual([]);
  });

  it('lets a room go that was wiped, with everything in it, and count anew', () => {
    const scene = story();
    scene.wipe('a');
    scene.tellClosed('a', 'deleted');
    scene.tellClosed('b', 'deleted');
    scene.join('a', { epoch: 'e2' });
    scene.join('b', { epoch: 'e2' });
    scene.say('a', 1, ['a', 'b'], { id: 'anew' });
    expect(scene.kinds()).toEqual([]);
  });

  it('lets both leave a room in which nothing waits', () => {
    const scene = story();
    scene.raise('b', { upToSeq: 2 }, 'seen');
    scene.raise('a', { upToSeq: 2 }, 'delivered');
    scene.leave('a');
    scene.leave('b');
    scene.tellClosed('a');
    scene.tellClosed('b');
    expect(scene.kinds()).toEqual([]);
  });

  it('lets a leave of a room that was closed be without effect, though the room is opened again before its ack', () => {
    const scene = story();
    scene.wipe('a');
    scene.tellClosed('a', 'deleted');
    scene.tellClosed('b', 'deleted');
    scene.leave('b', () => scene.say('a', 1, ['a', 'b'], { id: 'anew', clientId: 'anew' }));
    scene.say('a', 2, ['a', 'b'], { id: 'next', clientId: 'next' });
    expect(scene.kinds()).toEqual([]);
  });
});
