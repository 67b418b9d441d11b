import { setTimeout as sleep } from 'node:timers/promises';
import { BuiltServer, buildWhenNeeded } from '../support/built-server';
import { RedisServer } from '../support/redis-server';
import type { Node } from './tab';
import type { Random } from './random';

/** How long a message stays from its reveal, ms. */
export const BURN_DELAY_MS = 1200;

/** Limits out of the way, cheap hashes, short graces: rooms come and go within a run. */
const SETTINGS = {
  JWT_SECRET: 'a secret of the history checker, 32 characters or more',
  BCRYPT_ROUNDS: '4',
  SEED_DEMO_USERS: 'false',
  RATE_LIMIT_PER_SECOND: '100000',
  RATE_LIMIT_BURST: '1000000',
  AUTH_RATE_LIMIT_PER_MINUTE: '100000',
  SOCKET_EVENTS_PER_MINUTE: '10000000',
  SOCKET_EVENTS_BURST: '1000000',
  SOCKET_OTHER_EVENTS_PER_MINUTE: '10000000',
  MAX_SOCKETS_PER_IP: '1000000',
  GHOST_JOINS_PER_MINUTE: '100000',
  TOKEN_GUESSES_PER_MINUTE: '100000',
  ROOM_EMPTY_GRACE_MS: '1500',
  PRESENCE_GRACE_MS: '500',
  BURN_DELAY_MS: String(BURN_DELAY_MS),
};
/** How long two must be away so that their room goes, ms: the graces above and some. */
export const GONE_MS = 2000;
/** A killed node comes back after this long, ms; the next one is killed this long after. */
const DOWN_MS = [500, 3000] as const;
const UP_MS = [4000, 10_000] as const;

/** Log lines below a warning. */
const HARMLESS = /"level":[123]0,/;

interface Place {
  readonly node: Node;
  server: BuiltServer | undefined;
}

/** The service under test: real processes of the build, over a real Redis where there is more than one. */
export class Service {
  kills = 0;
  private readonly places: Place[] = [];

  private constructor(
    private readonly settings: Record<string, string>,
    private readonly redis: RedisServer | undefined,
  ) {}

  static async start(nodes: number, withRedis: boolean): Promise<Service> {
    buildWhenNeeded();
    const redis = withRedis ? await new RedisServer().start() : undefined;
    const service = new Service({ ...SETTINGS, ...(redis && { REDIS_URL: redis.url }) }, redis);
    try {
      for (let index = 0; index < nodes; index++) {
        service.places.push(await service.place(index));
      }
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  /** Nodes that run. */
  readonly nodes = (): readonly Node[] => this.places.filter(({ server }) => server).map(({ node }) => node);

  /** Warnings and errors of the nodes. */
  get log(): string[] {
    return this.places.flatMap(({ node, server }) =>
      (server?.log ?? []).filter((line) => !HARMLESS.test(line)).map((line) => `node ${node.index}: ${line}`),
    );
  }

  /** Kills one node after the other with SIGKILL, and starts each again, until `over`. */
  async kill(random: Random, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await pause(random.int(...UP_MS), over);
      const index = random.int(0, this.places.length - 1);
      const server = this.places[index]?.server;
      if (over.aborted || !server) {
        return;
      }
      this.places[index] = { ...(this.places[index] as Place), server: undefined };
      server.kill('SIGKILL');
      // It is gone; what it left on the disk goes too.
      await server.stop();
      this.kills++;
      await pause(random.int(...DOWN_MS), over);
      this.places[index] = await this.place(index);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.places.map(({ server }) => server?.stop()));
    await this.redis?.stop();
  }

  private async place(index: number): Promise<Place> {
    const { server, url } = await BuiltServer.start(this.settings);
    return { node: { index, url }, server };
  }
}

/** Sleeps; less where the run is over before. */
async function pause(ms: number, over: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: over }).catch(() => undefined);
}
