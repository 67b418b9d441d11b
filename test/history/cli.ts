import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { check } from './checker';
import { checkGhosts } from './ghost/checker';
import { runGhosts } from './ghost/workload';
import { type Outcome, run } from './run';
import { BURN_DELAY_MS, GONE_MS } from './service';
import { explain, type Log } from './violations';
import { runWorkload } from './workload';

const USAGE = `npm run check:history -- [--minutes 5 | --seconds 30] [--nodes 1] [--pairs 5] [--groups 2] [--ghosts 2] [--pace 1] [--seed N]
    [--redis] [--kill-node] [--url http://…,http://…] [--log FILE]

Runs clients against the build, one process a node, over a Redis of its own where there is more than one; or against
nodes that run already (--url). Ends with 1 where what they saw breaks a guarantee. README.md beside this tells more.`;

/** Violations that are shown in full; the rest is counted. */
const MAX_SHOWN = 10;
/** Settles a service of unknown settings: past the default graces. */
const FOREIGN_GONE_MS = 33_000;
const FOREIGN_TELL_MS = 1500;

interface Options {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly pairs: number;
  readonly groups: number;
  readonly ghosts: number;
  readonly pace: number;
  readonly redis: boolean;
  readonly killNodes: boolean;
  readonly urls: readonly string[];
  readonly log: string | undefined;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seconds: { type: 'string' },
      nodes: { type: 'string', default: '1' },
      pairs: { type: 'string', default: '5' },
      groups: { type: 'string', default: '2' },
      ghosts: { type: 'string', default: '2' },
      pace: { type: 'string', default: '1' },
      seed: { type: 'string' },
      redis: { type: 'boolean', default: false },
      'kill-node': { type: 'boolean', default: false },
      url: { type: 'string' },
      log: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { minutes, seconds, seed, url, log } = values;
  const options = {
    seed: seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(seed),
    seconds: seconds === undefined ? Number(minutes ?? 5) * 60 : Number(seconds),
    nodes: Number(values.nodes),
    pairs: Number(values.pairs),
    groups: Number(values.groups),
    ghosts: Number(values.ghosts),
    pace: Number(values.pace),
    redis: values.redis,
    killNodes: values['kill-node'],
    urls: url?.split(',') ?? [],
    log,
  };
  const numbers = [
    options.seed,
    options.seconds,
    options.nodes,
    options.pairs,
    options.groups,
    options.ghosts,
    options.pace,
  ];
  const wrong = numbers.some(Number.isNaN) || (options.killNodes && options.nodes < 2);
  return values.help || wrong ? undefined : options;
}

async function runAgainst(options: Options): Promise<Outcome> {
  if (options.urls.length === 0) {
    return run(options);
  }
  const nodes = options.urls.map((url, index) => ({ index, url }));
  const common = { ...options, nodes: () => nodes, quietMs: GONE_MS };
  const [history, ghostHistory] = await Promise.all([
    runWorkload({ ...common, goneMs: FOREIGN_GONE_MS, floods: true }),
    runGhosts({ ...common, rooms: options.ghosts }),
  ]);
  const times = { tellMs: FOREIGN_TELL_MS, burnDelayMs: BURN_DELAY_MS };
  const ghosts = { ...checkGhosts(ghostHistory, times), history: ghostHistory };
  return { ...check(history), history, ghosts, kills: 0, serverLog: [] };
}

function print({ counts, kills, history, ghosts, serverLog, ...outcome }: Outcome, { seed }: Options): void {
  const violations = [...outcome.violations, ...ghosts.violations];
  const common = { seed, entries: history.entries.length + ghosts.history.entries.length, kills };
  const lines = [JSON.stringify({ ...common, ...counts, ghosts: ghosts.counts }, undefined, 2)];
  lines.push(...outcome.violations.slice(0, MAX_SHOWN).map((violation) => explain(violation, history)));
  lines.push(...ghosts.violations.slice(0, MAX_SHOWN).map((violation) => explain(violation, ghosts.history)));
  if (serverLog.length > 0) {
    lines.push(`The nodes wrote ${serverLog.length} lines, the last ones are:`, ...serverLog.slice(-MAX_SHOWN));
  }
  const kinds = new Map<string, number>();
  violations.forEach(({ kind }) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
  const found = [...kinds].map(([kind, count]) => `${count} × ${kind}`).join(', ');
  lines.push(violations.length === 0 ? `seed ${seed}: nothing found` : `seed ${seed}: ${found}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The command. */
export async function main(): Promise<void> {
  const options = readOptions();
  if (!options) {
    process.stderr.write(`${USAGE}\n`);
    process.exitCode = 2;
    return;
  }
  process.stdout.write(`seed ${options.seed}, ${options.seconds} s\n`);
  const outcome = await runAgainst(options);
  if (options.log !== undefined) {
    writeLog(options.log, outcome.history);
    writeLog(`${options.log}.ghosts`, outcome.ghosts.history);
  }
  print(outcome, options);
  process.exitCode = outcome.violations.length + outcome.ghosts.violations.length > 0 ? 1 : 0;
}

/** One entry a line; an answer names the number of what was asked. */
function writeLog(file: string, { clients, entries }: Log): void {
  const lines = [clients, ...entries].map((line) =>
    JSON.stringify(line, (key, value: unknown) => (key === 'to' ? (value as { n: number }).n : value)),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
}
