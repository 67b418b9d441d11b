import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Actor } from './actor';
import { HistoryClient } from './client';
import type { Node } from './tab';
import { wallClock } from './event-log';
import { HistoryLog, type Status } from './log';
import { Random } from './random';
import { Sender } from './sender';
import { createRoom, register, roomOf, type User } from './wire';

/** How long a client may try to be connected once the run is over, ms. */
const RETURN_MS = 20_000;
/** Messages at once while the other is away: more than a join ack holds. */
const FLOOD = 520;
/** Sends of one connection at once: a server queues some hundreds. */
const AT_ONCE = 130;
/** How long somebody is out of a group at least, ms: a kick may take a second to reach every node. */
const OUT_MS = 1500;
/** What happens to a pair as a whole, by weight. */
const SCENES = { nothing: 3, storm: 3, reveal: 3, bothLeave: 2, wipe: 1, bothGone: 1, flood: 1 };

export interface WorkloadOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Pairs of users who talk. */
  readonly pairs: number;
  /** Private rooms of three or four, whose admin takes members out and asks them back. */
  readonly groups: number;
  /** How many times faster than usual clients think and scenes follow each other. */
  readonly pace: number;
  /** Nodes that clients may connect to now; at least one at the start. */
  readonly nodes: () => readonly Node[];
  /** Whether now and then more is sent to somebody who is away than a join ack holds; takes seconds. */
  readonly floods: boolean;
  /** Called when the users are registered. */
  readonly started?: () => void;
  /** How long two are away so that their room goes, ms; past `ROOM_EMPTY_GRACE_MS` of the service. */
  readonly goneMs: number;
  /** How long it takes until what was acked has been handed on by every node, ms. */
  readonly quietMs: number;
}

/** Runs the clients, and gives what they did and saw. */
export async function runWorkload(options: WorkloadOptions): Promise<HistoryLog> {
  const log = new HistoryLog();
  const random = new Random(options.seed);
  const run = randomBytes(4).toString('hex');
  const pairs: Actor[][] = [];
  for (let pair = 0; pair < options.pairs; pair++) {
    pairs.push(await createPair(`${run}.${pair}`, options, random, log));
  }
  const groups: Actor[][] = [];
  for (let group = 0; group < options.groups; group++) {
    groups.push(await createGroup(`${run}.g${group}`, options, random, log));
  }
  options.started?.();
  const end = wallClock() + options.seconds * 1000;
  const over = (): boolean => wallClock() >= end;
  const directed = pairs.map((actors) => direct(actors, random.fork(), options, over));
  const kicks = groups.map((actors) => kickAround(actors, random.fork(), options, over));
  const all = [...pairs, ...groups].flat();
  await Promise.all([...all.map((actor) => actor.run(over)), ...directed, ...kicks]);
  await Promise.all(all.map((actor) => finish(actor, options)));
  return log;
}

async function createPair(
  name: string,
  { nodes, pace }: WorkloadOptions,
  random: Random,
  log: HistoryLog,
): Promise<Actor[]> {
  const url = nodes()[0]?.url ?? '';
  const users = [await register(url, `${name}.a`), await register(url, `${name}.b`)] as const;
  const roomId = roomOf(...users);
  return createActors(name, users, { roomId, isGroup: false }, { nodes, pace }, random, log);
}

async function createGroup(
  name: string,
  { nodes, pace }: WorkloadOptions,
  random: Random,
  log: HistoryLog,
): Promise<Actor[]> {
  const url = nodes()[0]?.url ?? '';
  const users: User[] = [];
  for (let member = random.int(3, 4); member > 0; member--) {
    users.push(await register(url, `${name}.${member}`));
  }
  const roomId = await createRoom(url, name, users);
  return createActors(name, users, { roomId, isGroup: true }, { nodes, pace }, random, log);
}

function createActors(
  name: string,
  users: readonly User[],
  room: { roomId: string; isGroup: boolean },
  { nodes, pace }: Pick<WorkloadOptions, 'nodes' | 'pace'>,
  random: Random,
  log: HistoryLog,
): Actor[] {
  return users.flatMap((user, index) => {
    const sender = new Sender(user.id, random.fork());
    return Array.from({ length: random.int(1, room.isGroup ? 2 : 3) }, (_, tab) => {
      const info = { name: `${name.split('.')[1]}${'abcd'[index]}${tab}`, userId: user.id, ...room };
      return new Actor(new HistoryClient(info, user.token, log), sender, random.fork(), nodes, pace);
    });
  });
}

/** The admin, who is the first of the group, takes one after the other out for a while, and asks them back. */
async function kickAround(
  actors: readonly Actor[],
  random: Random,
  { pace }: WorkloadOptions,
  over: () => boolean,
): Promise<void> {
  const admin = actors[0]?.client;
  const others = actors.filter(({ client }) => client.info.userId !== admin?.info.userId);
  while (!over()) {
    await sleep(random.int(300, 2500) / pace);
    const target = random.pick(others)?.client;
    if (admin?.connected && target?.connected && !over()) {
      await (random.chance(0.5) ? banFor(admin, target, random) : kickFor(admin, target, random));
      await admin.invite(target.info.userId);
      await target.enter();
    }
  }
}

async function kickFor(admin: HistoryClient, target: HistoryClient, random: Random): Promise<void> {
  await admin.kick(target.info.userId);
  await sleep(random.int(OUT_MS, OUT_MS * 2));
}

/** Who is banned tries to come back meanwhile. */
async function banFor(admin: HistoryClient, target: HistoryClient, random: Random): Promise<void> {
  const { userId } = target.info;
  await admin.ban(userId);
  for (let tries = random.int(1, 3); tries > 0; tries--) {
    await sleep(random.int(OUT_MS / 3, OUT_MS));
    if (random.chance(0.5)) {
      await admin.invite(userId);
    }
    await target.enter();
    await target.join(true);
    await target.page();
  }
  await admin.unban(userId);
}

/** Puts a pair through what it takes both of them for. */
async function direct(
  actors: readonly Actor[],
  random: Random,
  options: WorkloadOptions,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    await sleep(random.int(500, 2500) / options.pace);
    const scene = random.weighted(options.floods ? SCENES : { ...SCENES, flood: 0 });
    if (scene !== 'nothing' && !over()) {
      const releases = actors.map((actor) => actor.hold());
      await SCENE[scene](actors, random, options);
      releases.forEach((release) => release());
    }
  }
}

async function readAll(client: HistoryClient, status: Status): Promise<void> {
  await client.raise({ upToSeq: Math.max(0, ...client.copy.held.keys()) }, status);
}

type Scene = (actors: readonly Actor[], random: Random, options: WorkloadOptions) => Promise<void>;

const everyone = <T>(actors: readonly Actor[], act: (actor: Actor) => Promise<T>): Promise<T[]> =>
  Promise.all(actors.map(act));

const SCENE: Record<Exclude<keyof typeof SCENES, 'nothing'>, Scene> = {
  /** Everyone but one comes back at the same time, while that one sends. */
  storm: async (actors, random) => {
    const [speaker, ...others] = actors;
    await everyone(others, ({ client }) => client.drop());
    const back = everyone(others, async (actor) => {
      await sleep(random.int(0, 50));
      if (await actor.connect()) {
        await actor.client.join(true);
      }
    });
    for (let i = 0; i < 25; i++) {
      void speaker?.send();
      await sleep(random.int(0, 8));
    }
    await back;
  },
  /** All tabs ask for the same text at once, mostly those of its recipient. */
  reveal: async (actors, random) => {
    const [speaker] = actors;
    await speaker?.send('burn');
    await sleep(random.int(0, 50));
    const same = random.chance(0.5) ? actors.at(-1)?.planReveal() : undefined;
    await everyone(actors.slice(1), async (actor) => {
      await sleep(random.int(0, 5));
      await actor.reveal(same ?? actor.planReveal());
    });
  },
  /** Both have read everything, so that the room goes when the last one leaves it. */
  bothLeave: async (actors, random) => {
    await everyone(actors, ({ client }) => readAll(client, 'seen'));
    await everyone(actors, async ({ client }) => {
      await sleep(random.int(0, 20));
      await client.leave();
    });
    await sleep(random.int(0, 300));
    await everyone(actors, async ({ client }) => {
      await sleep(random.int(0, 20));
      await client.join(random.chance(0.8));
    });
  },
  wipe: async (actors, random) => {
    const sending = actors[0]?.send();
    await random.pick(actors)?.client.wipe();
    await sending;
  },
  bothGone: async (actors, random, { goneMs }) => {
    if (random.chance(0.7)) {
      await everyone(actors, ({ client }) => readAll(client, 'delivered'));
    }
    await everyone(actors, ({ client }) => client.drop());
    await sleep(goneMs * (0.8 + random.next() * 0.5));
  },
  /** More than one ack holds, to somebody who is away; then all of it expires at once. */
  flood: async (actors, random) => {
    const [speaker, ...others] = actors;
    const away = others.at(-1);
    await away?.client.drop();
    const ttl = random.int(3, 5);
    for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => speaker?.send('plain', ttl)));
    }
    if (away && (await away.connect())) {
      await away.client.join(true);
      await readAll(away.client, 'seen');
    }
  },
};

/** Nobody sends any more: everyone comes back, hears the rest, and reads what is there. */
async function finish(actor: Actor, { quietMs }: WorkloadOptions): Promise<void> {
  const { client } = actor;
  const latest = wallClock() + RETURN_MS;
  while (!client.connected && wallClock() < latest && !(await actor.connect())) {
    await sleep(100);
  }
  if (!client.copy.current) {
    await client.join(true);
  }
  await sleep(quietMs);
  await client.settle();
  await client.page(true);
  await client.settle();
  client.close();
}
