import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis as Client } from 'ioredis';
import { buildWhenNeeded } from './support/built-server';
import { describeRedis, uniquePrefix } from './support/redis-server';
import { until } from './support/until';
import { Needles } from './needle/needles';
import { redisPlaces, SearchedServer } from './needle/places';
import { SETTINGS, Visit } from './needle/visit';

const BUILD_MS = 120_000;
const TEST_MS = 240_000;
const GONE_MS = 10_000;
const FEED_MS = 70_000;

/** Where what belongs to accounts stands. */
const OWNED = [
  ...['bio', 'city', 'device', 'displayname', 'email', 'emailb', 'publickey', 'status', 'username', 'usernameb'].map(
    (way) => `hash: ${way}`,
  ),
  ...['key: email', 'key: emailb', 'key: username', 'key: usernameb', 'zset: username', 'zset: usernameb'],
  'uploads: avatar',
];

/** Anonymous people are known by the names that they give themselves, so these are the ids in what happened. */
const TOLD = ['list: agent', 'list: agentb'];

const all = (place: string, ways: readonly string[]): string[] => ways.map((way) => `${place}: ${way}`);

beforeAll(() => buildWhenNeeded(), BUILD_MS);

describeRedis('a needle that went through two nodes over Redis', (redis) => {
  let folder: string;
  let nodes: SearchedServer[];
  let visit: Visit;
  let shared: Record<string, string>;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mayfly-needle-'));
    shared = {
      ...SETTINGS,
      REDIS_URL: redis.url,
      REDIS_PREFIX: uniquePrefix(),
      UPLOAD_DIR: join(folder, 'a', 'uploads'),
    };
    nodes = await Promise.all(['a', 'b'].map((name) => SearchedServer.start(join(folder, name), shared)));
  });

  afterEach(async () => {
    visit.close();
    await Promise.all(nodes.map(({ server }) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  const stored = async (needles: Needles): Promise<string[]> =>
    needles.search([...(await redisPlaces(redis.url)), ...nodes.flatMap((node) => [...node.files(), node.log()])]);
  const held = async (needles: Needles, of = nodes): Promise<string[]> =>
    needles.search((await Promise.all(of.map((node) => node.memory()))).flat());

  /** Nobody is told when a picture goes. */
  const pictureGone = (needles: Needles): Promise<void> =>
    until(
      () => !needles.search(nodes.flatMap((node) => node.files())).some((one) => /: .*(pixels|unused)$/.test(one)),
      GONE_MS,
    );
  /** What happened in rooms stays readable for a minute, as ids. */
  const feedsEnd = async (): Promise<void> => {
    const client = new Client(redis.url);
    const feeds = (await client.keys('*')).filter((key) => key.includes(':feed:'));
    const left = await Promise.all(feeds.map((key) => client.pttl(key)));
    client.disconnect();
    expect(left.filter((ms) => ms < 0 || ms > FEED_MS)).toEqual([]);
  };
  const begin = async (needles: Needles): Promise<void> => {
    visit = await Visit.begin(
      nodes.map(({ url }) => url),
      needles,
    );
    await visit.settle();
  };

  it(
    'is found as long as it lives and nowhere afterwards; nor is anything of an account that is gone',
    async () => {
      const needles = new Needles();
      await begin(needles);
      await visit.whisper();
      await visit.send();
      await visit.haunt();
      // A message names its sender.
      const texts = all('string', [...Visit.TEXTS, ...Visit.GHOSTS, 'username', 'agent']);
      const alive = [...OWNED, ...texts, ...all('uploads', [...Visit.PICTURES, 'ghostpixels'])];
      const found = await stored(needles);
      expect(found).toEqual(expect.arrayContaining(alive));
      expect(found.filter((one) => Visit.TAKEN_BACK.some((way) => one.endsWith(` ${way}`)))).toEqual([]);
      await visit.exorcise();
      await visit.expire();
      await pictureGone(needles);
      await until(async () => (await stored(needles)).every((one) => [...OWNED, ...TOLD].includes(one)), GONE_MS);
      expect(await stored(needles)).toEqual(expect.arrayContaining(OWNED));
      await feedsEnd();
      expect(await held(needles)).not.toEqual(expect.arrayContaining(all('heap', Visit.SENT)));
      await visit.erase();
      expect((await stored(needles)).filter((one) => !TOLD.includes(one))).toEqual([]);
      expect(await held(needles)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'is found nowhere afterwards though the node that took it in was killed',
    async () => {
      const needles = new Needles();
      await begin(needles);
      await visit.send();
      const [killed, other] = nodes as [SearchedServer, SearchedServer];
      visit.beginUpload(needles.of('half'));
      await until(async () => (await stored(needles)).includes('uploads: half'));
      killed.server.kill('SIGKILL');
      await killed.server.ended;
      await visit.loseFirst();
      expect(await stored(needles)).toEqual(expect.arrayContaining(all('string', Visit.TEXTS)));
      await visit.expire();
      await pictureGone(needles);
      expect(await stored(needles)).toEqual([...OWNED, 'uploads: half'].sort());
      await visit.erase();
      expect(await held(needles, [other])).toEqual([]);
      // What the killed one was writing goes with the next look for such files, once it is old enough.
      age(join(folder, 'a', 'uploads', 'incoming'));
      nodes.push(await SearchedServer.start(join(folder, 'c'), shared));
      await until(async () => (await stored(needles)).length === 0);
    },
    TEST_MS,
  );
});

describeRedis('the search of a Redis', (redis) => {
  let client: Client;

  beforeEach(() => {
    client = new Client(redis.url);
  });

  afterEach(() => client.disconnect());

  it('finds needles in keys, in values of every type and in the slow log', async () => {
    const needles = new Needles();
    const of = (way: string): string => `x${needles.of(way)}`;
    await client.set(of('key'), '1');
    await client.set('string', of('string'));
    await client.hset('hash', of('field'), of('value'));
    await client.lpush('list', of('item'));
    await client.sadd('set', of('member'));
    await client.zadd('zset', 1, of('scored'));
    await client.xadd('stream', '*', of('name'), of('text'));
    await client.config('SET', 'slowlog-log-slower-than', '0');
    await client.get(of('asked'));
    await client.config('SET', 'slowlog-log-slower-than', '-1');
    await client.subscribe(of('channel'));
    expect(needles.search(await redisPlaces(redis.url))).toEqual(
      [
        ...['key: key', 'string: string', 'hash: field', 'hash: value', 'list: item', 'set: member', 'zset: scored'],
        ...['stream: name', 'stream: text', 'slow log: asked', 'channels: channel'],
      ].sort(),
    );
  });
});

/** Makes files look as if nobody had written to them for an hour. */
function age(folder: string): void {
  const then = Date.now() / 1000 - 3600;
  readdirSync(folder).forEach((name) => utimesSync(join(folder, name), then, then));
}
