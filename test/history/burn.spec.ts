import { BURN_DELAY_MS, type Scene, story } from './scene';
import type { Kind } from './violations';

/** Two who are there, and a message that burns after reading. */
function burnStory(): Scene {
  const scene = story();
  scene.say('a', 3, ['a', 'b'], { burn: true });
  return scene;
}

/** It is revealed, and everyone is told. */
function reveal(scene: Scene): number {
  const expiresAt = scene.time + BURN_DELAY_MS;
  scene.reveal('b', 3, 'r1', expiresAt);
  scene.tellStatus('a', 'm3', 'seen', expiresAt);
  scene.tellStatus('b', 'm3', 'seen', expiresAt);
  return expiresAt;
}

const BROKEN_BURNS: [Kind, string, (scene: Scene) => void][] = [
  [
    'exposed',
    'history with the text of what was not revealed',
    (scene) => scene.page('b', [scene.as(1), scene.as(2), scene.as(3)]),
  ],
  [
    'exposed',
    'a resume with the text of what was not revealed',
    (scene) => {
      scene.disconnect('b');
      scene.connect('b');
      scene.join('b', { messages: [scene.as(3)], live: [[1, 2]], lastSeq: 3 }, 2);
    },
  ],
  [
    'corrupt',
    'a burn message that its sender cannot read',
    (scene) => scene.page('a', [{ ...scene.as(3), open: false, concealed: true }]),
  ],
  [
    'reveal',
    'a text handed out twice',
    (scene) => {
      const expiresAt = reveal(scene);
      scene.reveal('b', 3, 'r2', expiresAt);
    },
  ],
  ['reveal', 'a first reveal that is refused', (scene) => scene.refuseReveal('b', 3, 'ConflictError')],
  [
    'reveal',
    'a message that is there and not found',
    (scene) => {
      scene.refuseReveal('b', 3, 'NotFoundError');
      scene.join('b', { live: [[1, 3]], lastSeq: 3 }, 3);
    },
  ],
  [
    'after-expiry',
    'a text handed out after the countdown',
    (scene) => {
      const expiresAt = reveal(scene);
      scene.pass(BURN_DELAY_MS + 1000);
      scene.reveal('b', 3, 'r1', expiresAt);
    },
  ],
  ['deadline', 'a countdown that is too short', (scene) => scene.reveal('b', 3, 'r1', scene.time + 1000)],
  ['deadline', 'a countdown that is too long', (scene) => scene.reveal('b', 3, 'r1', scene.time + BURN_DELAY_MS * 2)],
  [
    'deadline',
    'a countdown that begins anew',
    (scene) => {
      reveal(scene);
      scene.pass(1000);
      scene.reveal('b', 3, 'r1');
    },
  ],
  ['deadline', 'a deadline that moves for no reason', (scene) => scene.tellStatus('a', 'm3', 'delivered', scene.time)],
  [
    'deadline',
    'a moved deadline that nobody tells',
    (scene) => {
      scene.reveal('b', 3);
      scene.pass(5000);
      scene.settle('a');
    },
  ],
  [
    'deadline',
    'a moved deadline that a resume does not tell',
    (scene) => {
      scene.disconnect('a');
      scene.reveal('b', 3);
      scene.connect('a');
      scene.join('a', { live: [[1, 3]], lastSeq: 3 }, 3);
    },
  ],
  [
    'reason',
    'a burnt message told as expired',
    (scene) => {
      reveal(scene);
      scene.pass(BURN_DELAY_MS);
      scene.tellExpired('a', ['m3']);
    },
  ],
  [
    'reason',
    'an expired message told as burnt',
    (scene) => {
      scene.pass(60_000);
      scene.tellExpired('a', ['m3'], 'burned');
    },
  ],
  [
    'early-expiry',
    'a burnt message told before its time',
    (scene) => {
      reveal(scene);
      scene.tellExpired('a', ['m3'], 'burned');
    },
  ],
  ['status', 'a burn message seen without a reveal', (scene) => scene.tellStatus('a', 'm3', 'seen')],
];

describe('the checker of histories, on burn messages', () => {
  it.each(BROKEN_BURNS)('finds %s: %s', (kind, _what, breakIt) => {
    const scene = burnStory();
    expect(scene.kinds()).toEqual([]);
    breakIt(scene);
    expect(scene.kinds()).toContain(kind);
  });

  it('lets a message be revealed once more with the same id, be refused with another, and burn', () => {
    const scene = burnStory();
    const expiresAt = reveal(scene);
    scene.pass(1000);
    scene.reveal('b', 3, 'r1', expiresAt);
    scene.refuseReveal('b', 3, 'ConflictError');
    scene.page('b', [scene.as(1), scene.as(2), scene.to('b', 3, { status: 'seen', expiresAt })]);
    scene.pass(BURN_DELAY_MS);
    scene.tellExpired('a', ['m3'], 'burned');
    scene.tellExpired('b', ['m3'], 'burned');
    scene.refuseReveal('b', 3, 'NotFoundError');
    scene.join('b', { live: [[1, 2]], lastSeq: 3 }, 3);
    scene.settle('a', 'b');
    expect(scene.kinds()).toEqual([]);
  });
});
