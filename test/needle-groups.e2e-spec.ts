import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GroupVisit } from './needle/group-visit';
import { Needles } from './needle/needles';
import { redisPlaces, SearchedServer } from './needle/places';
import { buildWhenNeeded } from './support/built-server';
import { describeRedis, uniquePrefix } from './support/redis-server';
import { until } from './support/until';

const BUILD_MS = 120_000;
/** A snapshot of the heap takes seconds where the machine has other work. */
const TEST_MS = 240_000;
const GONE_MS = 60_000;
const SHORT_S = 4;
const LONG_S = 3600;

const NAMES = ['ann', 'ben', 'cat'];
/** What stands as long as the accounts of who made it, and the room. */
const LASTING = [...NAMES, ...GroupVisit.ROOM, 'banreason'];
const ALIVE = [...GroupVisit.TEXTS, ...GroupVisit.REPORTS, ...LASTING];

beforeAll(() => buildWhenNeeded(), BUILD_MS);

/** Tests of a service of so many nodes; in memory where there is no Redis. */
function needles(redis: { readonly url: string } | undefined): void {
  let folder: string;
  let nodes: SearchedServer[];
  let sought: Needles;
  let visit: GroupVisit;

  const start = async (...preload: string[]): Promise<void> => {
    const uploads = { UPLOAD_DIR: join(folder, 'a', 'uploads') };
    const shared = redis && { REDIS_URL: redis.url, REDIS_PREFIX: uniquePrefix(), ...uploads };
    const names = redis ? ['a', 'b'] : ['a'];
    nodes = await Promise.all(names.map((name) => SearchedServer.start(join(folder, name), { ...shared }, ...preload)));
    sought = new Needles();
    visit = await GroupVisit.begin(
      nodes.map(({ url }) => url),
      sought,
    );
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mayfly-needle-'));
  });

  afterEach(async () => {
    visit.close();
    await Promise.all(nodes.map(({ server }) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Where needles are, in stores, files and logs; in the memory of nodes where that is the store, or where asked. */
  const search = async (memory = !redis): Promise<string[]> =>
    sought.search([
      ...nodes.flatMap((node) => [...node.files(), node.log()]),
      ...(redis ? await redisPlaces(redis.url) : []),
      ...(memory ? (await Promise.all(nodes.map((node) => node.memory()))).flat() : []),
    ]);
  /** The ways whose needles are anywhere. */
  const found = async (memory?: boolean): Promise<string[]> => [
    ...new Set((await search(memory)).map((one) => one.slice(one.lastIndexOf(' ') + 1))),
  ];

  it(
    'is found as long as it lives and nowhere afterwards',
    async () => {
      await start();
      await visit.gather(SHORT_S);
      expect((await found()).sort()).toEqual([...ALIVE].sort());
      await visit.expire();
      await until(async () => (await found()).every((way) => LASTING.includes(way)), GONE_MS);
      expect((await found()).sort()).toEqual([...LASTING].sort());
      await visit.erase('cat', 'ben', 'ann');
      expect(await found(true)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is found nowhere once the account that it is of is gone, though the room and others in it stay',
    async () => {
      await start();
      await visit.gather(LONG_S);
      expect((await found()).sort()).toEqual([...ALIVE].sort());
      const before = await visit.served();
      [...NAMES, 'groupreply', 'hyphen', 'banreason', 'reason'].forEach((way) =>
        expect(before).toContain(sought.of(way)),
      );
      await visit.erase('ben', 'cat');
      expect((await found()).sort()).toEqual([...GroupVisit.BY_ANN].sort());
      const left = sought.in(Buffer.from(await visit.served()));
      expect([...left].sort()).toEqual([...GroupVisit.BY_ANN].sort());
      await visit.erase('ann');
      expect(await found(true)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is found in a server that keeps it',
    async () => {
      await start('leaks.cjs');
      await visit.gather(LONG_S);
      await visit.erase('ben', 'cat');
      const leaks = ['grouptext', 'groupreply', 'hyphen', 'reason', 'invitedtext'];
      const places = ['heap', 'tmp', 'uploads'].flatMap((place) => leaks.map((way) => `${place}: ${way}`));
      const names = redis ? [] : ['heap: ben', 'heap: cat'];
      expect(await search(true)).toEqual(expect.arrayContaining([...places, ...names, 'log: ?']));
    },
    TEST_MS,
  );
}

describe('a needle that went through the rooms of a node in memory', () => needles(undefined));

describeRedis('a needle that went through the rooms of two nodes over Redis', (redis) => needles(redis));
