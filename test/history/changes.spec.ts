import { type Scene, story } from './scene';
import type { Kind } from './violations';

const BROKEN: [Kind, string, (scene: Scene) => void][] = [
  [
    'undeleted',
    'history with what was deleted',
    (scene) => {
      const text = scene.as(1);
      scene.remove('a', 1, ['a', 'b']);
      scene.page('b', [text, scene.as(2)]);
    },
  ],
  [
    'undeleted',
    'a resume that does not tell of a deletion, and lets the text stand',
    (scene) => {
      scene.disconnect('b');
      scene.remove('a', 1, ['a']);
      scene.connect('b');
      scene.join('b', { live: [[1, 2]], lastSeq: 2 }, 2);
    },
  ],
  [
    'unaccounted',
    'a tombstone that a resume lists as live',
    (scene) => {
      scene.disconnect('b');
      scene.remove('a', 1, ['a']);
      scene.connect('b');
      scene.join('b', { live: [[1, 2]], changed: [scene.as(1)], lastSeq: 2 }, 2);
    },
  ],
  [
    'untold',
    'a deletion that nobody tells',
    (scene) => {
      scene.remove('a', 1, ['a']);
      scene.pass(5000);
      scene.settle('b');
    },
  ],
  [
    'untold',
    'an edit that nobody tells',
    (scene) => {
      scene.edit('a', 1, 7, ['a']);
      scene.pass(5000);
      scene.settle('b');
    },
  ],
  [
    'stale',
    'history without an edit',
    (scene) => {
      const text = scene.as(1);
      scene.edit('a', 1, 7, ['a', 'b']);
      scene.page('b', [text, scene.as(2)]);
    },
  ],
  [
    'stale',
    'a resume that does not tell of an edit',
    (scene) => {
      scene.disconnect('b');
      scene.edit('a', 1, 7, ['a']);
      scene.connect('b');
      scene.join('b', { live: [[1, 2]], lastSeq: 2 }, 2);
    },
  ],
  [
    'stale',
    'edits told in the wrong order',
    (scene) => {
      scene.edit('a', 1, 7, ['a']);
      const first = scene.as(1);
      scene.edit('a', 1, 8, ['a', 'b']);
      scene.log.tell('b', 1, { told: 'edited', message: first });
    },
  ],
  ['corrupt', 'a text that nobody gave it', (scene) => scene.page('b', [{ ...scene.as(1), version: 9 }, scene.as(2)])],
];

describe('the checker of histories, on edits and deletions', () => {
  it.each(BROKEN)('finds %s: %s', (kind, _what, breakIt) => {
    const scene = story();
    expect(scene.kinds()).toEqual([]);
    breakIt(scene);
    expect(scene.kinds()).toContain(kind);
  });

  it('finds nothing where everyone is told, at once or by a resume', () => {
    const scene = story();
    scene.edit('a', 1, 7, ['a', 'b']);
    scene.disconnect('b');
    scene.edit('a', 1, 8, ['a']);
    scene.remove('b', 2, ['a']);
    scene.connect('b');
    scene.join('b', { live: [[1, 1]], changed: [scene.as(1), scene.as(2)], lastSeq: 2 }, 2);
    scene.remove('a', 1, ['a', 'b']);
    scene.pass(5000);
    scene.settle('a', 'b');
    scene.page('b', [scene.as(1), scene.as(2)], true);
    scene.page('a', [scene.as(1), scene.as(2)], true);
    expect(scene.kinds()).toEqual([]);
  });
});
