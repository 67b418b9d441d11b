import { setTimeout as sleep } from 'node:timers/promises';
import { wallClock } from '../event-log';
import { Random } from '../random';
import type { Node } from '../tab';
import { rest } from '../wire';
import { GhostClient, type Keychain } from './client';
import { GhostLog } from './log';

export interface GhostWorkloadOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly rooms: number;
  /** How many times faster than usual clients think. */
  readonly pace: number;
  /** Nodes that clients may connect to now; at least one at the start. */
  readonly nodes: () => readonly Node[];
  /** How long it takes until what was acked has been handed on by every node, ms. */
  readonly quietMs: number;
}

/** A burn message that waits is shown to who has been there so long (ghost.md), and some more, ms. */
const SETTLED_MS = 4000;
const RETURN_MS = 20_000;
const THINK_MS = [10, 200] as const;
/** What a tab does next while it is in the room, by weight. */
const ACTIONS = { send: 40, burn: 8, burst: 4, page: 8, settle: 8, again: 2, leave: 6, drop: 8, strand: 3, idle: 8 };

/** A tab that does at random what people in anonymous rooms do. */
class GhostActor {
  private held: Promise<void> | undefined;

  constructor(
    readonly client: GhostClient,
    private readonly random: Random,
    private readonly options: GhostWorkloadOptions,
    /** How ready it is to come in: a second tab takes the place of the first. */
    private readonly eagerness: number,
  ) {}

  async run(over: () => boolean): Promise<void> {
    while (!over()) {
      if (this.held) {
        await this.held;
      } else if (this.client.connected && this.client.isIn) {
        await this.act();
      } else if (this.random.chance(this.eagerness)) {
        await this.comeBack(this.random.chance(0.8));
      }
      await sleep(this.random.int(...THINK_MS) / this.options.pace);
    }
  }

  /** Does nothing of its own until the function that this gives is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = undefined;
      release();
    };
  }

  /** Connects where needed, to whichever node, and comes in. */
  async comeBack(withKey: boolean): Promise<boolean> {
    if (!this.client.connected) {
      const node = this.random.pick(this.options.nodes());
      if (!node || !(await this.client.connect(node))) {
        return false;
      }
    }
    const entered = await this.client.enter(withKey);
    if (entered && this.random.chance(0.7)) {
      await this.client.page();
    }
    return entered;
  }

  private async act(): Promise<void> {
    const { client, random } = this;
    switch (random.weighted(ACTIONS)) {
      case 'send':
        return void (await client.send(this.ttl()));
      case 'burn':
        return void (await client.send(0));
      case 'burst':
        return void (await Promise.all(Array.from({ length: random.int(2, 8) }, () => client.send(this.ttl()))));
      case 'page':
        return client.page();
      case 'settle':
        return void (await client.settle());
      case 'again':
        return void (await client.enter(random.chance(0.5)));
      case 'leave':
        await client.leave();
        return void (await sleep(random.int(0, 2000) / this.options.pace));
      case 'drop': {
        const sending = random.chance(0.5) ? client.send(this.ttl()) : undefined;
        await client.drop();
        await sending;
        return void (await sleep(random.chance(0.5) ? 0 : random.int(0, 2000) / this.options.pace));
      }
      case 'strand':
        client.strand();
        return void (await this.comeBack(random.chance(0.8)));
      case 'idle':
        return void (await sleep(random.int(200, 2000) / this.options.pace));
    }
  }

  private ttl(): number {
    return this.random.chance(0.5) ? this.random.int(1, 5) : this.random.int(20, 90);
  }
}

/** Runs clients in anonymous rooms, and gives what they did and saw. */
export async function runGhosts(options: GhostWorkloadOptions): Promise<GhostLog> {
  const log = new GhostLog();
  const random = new Random(options.seed);
  const rooms: GhostActor[][] = [];
  for (let room = 0; room < options.rooms; room++) {
    rooms.push(await createActors(room, options, random, log));
  }
  const end = wallClock() + options.seconds * 1000;
  const over = (): boolean => wallClock() >= end;
  const all = rooms.flat();
  const directed = rooms.map((actors) => direct(actors, random.fork(), options, over));
  await Promise.all([...all.map((actor) => actor.run(over)), ...directed]);
  await Promise.all(all.map((actor) => finish(actor, options)));
  all.forEach(({ client }) => client.close());
  return log;
}

/** Three or four, one of them maybe with two tabs. */
async function createActors(
  room: number,
  options: GhostWorkloadOptions,
  random: Random,
  log: GhostLog,
): Promise<GhostActor[]> {
  const url = options.nodes()[0]?.url ?? '';
  const answer = await rest(url, 'GET', '/ghost/api/room/new');
  const roomId = answer?.body.roomToken;
  if (typeof roomId !== 'string') {
    throw new Error(`${url} gave no token: ${JSON.stringify(answer)}`);
  }
  return Array.from({ length: random.int(3, 4) }, (_, person) => {
    const keys: Keychain = { key: undefined };
    const tabs = person === 0 ? 2 : 1;
    return Array.from({ length: tabs }, (_tab, tab) => {
      const name = `G${room}${'abcd'[person]}${tab}`;
      const client = new GhostClient({ name, userId: `Ghost-${person}`, roomId }, keys, log);
      return new GhostActor(client, random.fork(), options, tab === 0 ? 1 : 0.1);
    });
  }).flat();
}

/** Now and then somebody is alone, and leaves what burns for whoever comes next. */
async function direct(
  actors: readonly GhostActor[],
  random: Random,
  { pace }: GhostWorkloadOptions,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    await sleep(random.int(1500, 5000) / pace);
    if (over()) {
      return;
    }
    const releases = actors.map((actor) => actor.hold());
    const [alone, ...others] = [...actors].reverse();
    await sleep(300 / pace);
    await Promise.all(others.map(({ client }) => client.leave()));
    if (alone && (alone.client.isIn || (await alone.comeBack(true)))) {
      await alone.client.send(0);
      await Promise.all(
        others.slice(0, 2).map(async (other) => {
          await sleep(random.int(0, 200));
          await other.comeBack(true);
        }),
      );
      if (random.chance(0.3)) {
        await others[0]?.client.leave();
      }
      await sleep(SETTLED_MS);
      await Promise.all(others.map(({ client }) => client.settle()));
    }
    releases.forEach((release) => release());
  }
}

/** Everyone comes back, and hears the rest. */
async function finish(actor: GhostActor, { quietMs }: GhostWorkloadOptions): Promise<void> {
  const latest = wallClock() + RETURN_MS;
  while (!(actor.client.connected && actor.client.isIn) && wallClock() < latest && !(await actor.comeBack(true))) {
    await sleep(100);
  }
  await actor.client.page();
  await sleep(quietMs);
  await actor.client.settle();
  await actor.client.page();
  await sleep(quietMs);
  await actor.client.settle();
}
