import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWhenNeeded } from './support/built-server';
import { until } from './support/until';
import { Needles } from './needle/needles';
import { SearchedServer } from './needle/places';
import { SETTINGS, Visit } from './needle/visit';

const BUILD_MS = 120_000;
/** A snapshot of the heap takes seconds where the machine has other work. */
const TEST_MS = 240_000;
const GONE_MS = 10_000;

let folder: string;
let server: SearchedServer;
let visit: Visit;

beforeAll(() => buildWhenNeeded(), BUILD_MS);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mayfly-needle-'));
});

afterEach(async () => {
  visit.close();
  await server.server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Where needles are now. Files first: what is searched for in them does not wait. */
async function search(needles: Needles): Promise<string[]> {
  return needles.search([...server.files(), server.log(), ...(await server.memory())]);
}

const all = (place: string, ways: readonly string[]): string[] => ways.map((way) => `${place}: ${way}`);
const OWNED = all('heap', Visit.OWNED);

describe('a needle that went through a node in memory', () => {
  it(
    'is found as long as it lives and nowhere afterwards; nor is anything of an account that is gone',
    async () => {
      server = await SearchedServer.start(folder, SETTINGS);
      const needles = new Needles();
      visit = await Visit.begin([server.url], needles);
      await visit.settle();
      await visit.whisper();
      await visit.send();
      await visit.haunt();
      expect(await search(needles)).toEqual(
        [
          ...[...OWNED, ...all('heap', ['revealid', 'agent', 'agentb'])],
          ...all('slab', [...Visit.TEXTS, ...Visit.GHOSTS]),
          ...all('uploads', [...Visit.PICTURES, 'ghostpixels', 'avatar']),
        ].sort(),
      );
      await visit.exorcise();
      await visit.expire();
      // Nobody is told when a picture goes.
      await until(() => needles.search(server.files()).join() === 'uploads: avatar', GONE_MS);
      expect(await search(needles)).toEqual([...OWNED, 'uploads: avatar'].sort());
      await visit.erase();
      expect(await search(needles)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is found in each place of a server that keeps it there',
    async () => {
      server = await SearchedServer.start(folder, SETTINGS, 'leaks.cjs');
      const needles = new Needles();
      visit = await Visit.begin([server.url], needles);
      await visit.settle();
      await visit.send();
      await visit.expire();
      await visit.erase();
      // In the log it stands in base64, by which it is noticed and not named.
      const leaks = ['heap', 'slab', 'tmp', 'uploads'].flatMap((place) => all(place, Visit.SENT));
      expect(await search(needles)).toEqual(expect.arrayContaining([...leaks, 'log: ?', 'slab: clientid']));
    },
    TEST_MS,
  );
});
