import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Redis as Client } from 'ioredis';
import { BuiltServer } from '../support/built-server';
import { until } from '../support/until';
import type { Place } from './needles';

const DUMP_MS = 60_000;
const SCAN_COUNT = 1000;
/** Production, since that is where `DEBUG` must do nothing; limits out of the way. */
const SETTINGS = {
  NODE_ENV: 'production',
  JWT_SECRET: 'Zx8vQ2mN5bR7tY1wE4uI6oP9aS3dF0gH',
  LOG_LEVEL: 'debug',
  DEBUG: '*',
  BCRYPT_ROUNDS: '4',
  RATE_LIMIT_PER_SECOND: '10000',
  AUTH_RATE_LIMIT_PER_MINUTE: '10000',
  SOCKET_EVENTS_PER_MINUTE: '100000',
  SOCKET_EVENTS_BURST: '10000',
  // Nobody is gone because a server was held up by a snapshot of its heap.
  SOCKET_PING_INTERVAL_MS: '100000',
};

/** A server whose memory, files and log can be searched. */
export class SearchedServer {
  private dumps = 0;

  private constructor(
    readonly server: BuiltServer,
    readonly url: string,
    private readonly folder: string,
  ) {}

  /** All that it writes goes below `folder`: uploads, temporary files, dumps. */
  static async start(folder: string, settings: Record<string, string>, ...preload: string[]): Promise<SearchedServer> {
    const [uploads, tmp, dumps] = ['uploads', 'tmp', 'dumps'].map((name) => join(folder, name));
    [uploads, tmp, dumps].forEach((path) => mkdirSync(path ?? '', { recursive: true }));
    const scripts = ['probe.cjs', ...preload].map((name) => `--require ${join(__dirname, name)}`);
    const { server, url } = await BuiltServer.start({
      ...SETTINGS,
      UPLOAD_DIR: uploads ?? '',
      TMPDIR: tmp ?? '',
      NEEDLE_DUMPS: dumps ?? '',
      NODE_OPTIONS: scripts.join(' '),
      ...settings,
    });
    return new SearchedServer(server, url, folder);
  }

  /** What it holds in memory now, after a collection of garbage. */
  async memory(): Promise<Place[]> {
    const dump = join(this.folder, 'dumps', String(this.dumps++));
    this.server.kill('SIGUSR2');
    await until(() => existsSync(join(dump, 'done')), DUMP_MS);
    return ['heap', 'slab'].map((name) => ({ name, bytes: readFileSync(join(dump, name)) }));
  }

  /** Its uploads, temporary files and working directory: names and contents. */
  files(): Place[] {
    return [
      ...filesBelow(join(this.folder, 'uploads'), 'uploads'),
      ...filesBelow(join(this.folder, 'tmp'), 'tmp'),
    ].concat(filesBelow(this.server.folder, 'working directory'));
  }

  log(): Place {
    return { name: 'log', bytes: Buffer.from(this.server.log.join('\n')) };
  }
}

function filesBelow(folder: string, name: string): Place[] {
  if (!existsSync(folder)) {
    return [];
  }
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name, bytes: Buffer.concat([Buffer.from(`${relative(folder, path)}\n`), readFileSync(path)]) }));
}

/** Everything that a Redis tells of what it holds: keys, values of every type, the slow log, who is connected. */
export async function redisPlaces(url: string): Promise<Place[]> {
  const client = new Client(url);
  try {
    const places: Place[] = [
      { name: 'slow log', bytes: Buffer.from(JSON.stringify(await client.slowlog('GET', 10_000))) },
      { name: 'clients', bytes: Buffer.from(String(await client.client('LIST'))) },
      { name: 'channels', bytes: Buffer.from(JSON.stringify(await client.pubsub('CHANNELS'))) },
    ];
    let cursor = '0';
    do {
      const [next, keys] = await client.scanBuffer(cursor, 'COUNT', SCAN_COUNT);
      cursor = next.toString();
      for (const key of keys) {
        places.push({ name: 'key', bytes: key }, await valueOf(client, key));
      }
    } while (cursor !== '0');
    return places;
  } finally {
    client.disconnect();
  }
}

async function valueOf(client: Client, key: Buffer): Promise<Place> {
  const type = await client.type(key);
  const read: Record<string, () => Promise<unknown>> = {
    string: () => client.getBuffer(key),
    hash: async () => Object.entries(await client.hgetallBuffer(key)).flat(),
    list: () => client.lrangeBuffer(key, 0, -1),
    set: () => client.smembersBuffer(key),
    zset: () => client.zrangeBuffer(key, 0, -1),
    stream: () => client.callBuffer('XRANGE', key, '-', '+'),
    // Gone meanwhile.
    none: () => Promise.resolve(null),
  };
  if (!read[type]) {
    throw new Error(`Values of the type ${type} are not searched`);
  }
  return { name: type, bytes: Buffer.concat(flat(await read[type]())) };
}

/** All strings in an answer, each ended by a byte that is in none of them. */
function flat(value: unknown): Buffer[] {
  if (Array.isArray(value)) {
    return value.flatMap(flat);
  }
  return value === null ? [] : [Buffer.isBuffer(value) ? value : Buffer.from(String(value)), Buffer.from([0])];
}
