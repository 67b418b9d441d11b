import { type Scene, story } from './scene';
import type { Kind } from './violations';
import { textOf } from './wire';

/** A reply to the first message, which shows this much of it. */
function reply(scene: Scene, preview: string | null): void {
  scene.say('b', 3, ['a', 'b'], { quotes: 'm1', preview });
}

const BROKEN: [string, (scene: Scene) => void][] = [
  ['another text', (scene) => reply(scene, 'something else')],
  ['nothing of what is there', (scene) => (reply(scene, null), scene.join('b', { live: [[1, 3]], lastSeq: 3 }, 3))],
  [
    'a text that was edited',
    (scene) => {
      scene.edit('a', 1, 7, ['a', 'b']);
      scene.settle('a', 'b');
      reply(scene, textOf('k1'));
    },
  ],
  [
    'what was deleted',
    (scene) => {
      scene.remove('a', 1, ['a', 'b']);
      scene.settle('a', 'b');
      reply(scene, textOf('k1'));
    },
  ],
  [
    'what has expired',
    (scene) => {
      scene.pass(61_000);
      scene.settle('a', 'b');
      reply(scene, textOf('k1'));
    },
  ],
];

describe('the checker of histories, on replies', () => {
  it.each(BROKEN)('finds one that shows %s', (_what, breakIt) => {
    const scene = story();
    expect(scene.kinds()).toEqual([]);
    breakIt(scene);
    expect(scene.kinds()).toContain<Kind>('preview');
  });

  it('lets one show the beginning of what it answers, as it is', () => {
    const scene = story();
    reply(scene, textOf('k1'));
    scene.edit('a', 1, 7, ['a', 'b']);
    scene.page('b', [scene.as(1), scene.as(2), { ...scene.as(3), preview: textOf('k1', 7) }], true);
    scene.remove('a', 1, ['a', 'b']);
    scene.page('b', [scene.as(1), scene.as(2), { ...scene.as(3), preview: null }]);
    expect(scene.kinds()).toEqual([]);
  });
});
