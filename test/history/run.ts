import { check, type Verdict } from './checker';
import { checkGhosts, type GhostVerdict } from './ghost/checker';
import type { GhostHistory } from './ghost/log';
import { runGhosts } from './ghost/workload';
import type { History } from './log';
import { Random } from './random';
import { BURN_DELAY_MS, GONE_MS, Service } from './service';
import { runWorkload } from './workload';

export interface RunOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly pairs: number;
  readonly groups: number;
  /** Anonymous rooms. */
  readonly ghosts: number;
  readonly pace: number;
  /** Redis under a single node too. */
  readonly redis: boolean;
  /** Nodes are killed and started again all the time. Needs two. */
  readonly killNodes: boolean;
}

export interface Outcome extends Verdict {
  readonly history: History;
  readonly ghosts: GhostVerdict & { readonly history: GhostHistory };
  readonly kills: number;
  /** Warnings and errors of the nodes. */
  readonly serverLog: readonly string[];
}

/** How long it takes until what was acked has been handed on by every node, ms. */
const QUIET_MS = 2000;
/** A connected client is told of an expiry within this, ms; a killed node's expiries are taken over within 15 s. */
const TELL_MS = 1500;
const TAKEN_OVER_MS = 18_000;

/** Starts the service, runs the workload against it, and judges what its clients saw. */
export async function run({
  seed,
  seconds,
  nodes,
  pairs,
  groups,
  ghosts,
  pace,
  redis,
  killNodes,
}: RunOptions): Promise<Outcome> {
  const service = await Service.start(nodes, redis || nodes > 1);
  try {
    const over = new AbortController();
    const common = {
      seed,
      seconds,
      pairs,
      groups,
      pace,
      nodes: service.nodes,
      goneMs: GONE_MS,
      quietMs: QUIET_MS,
      floods: true,
    };
    let started = (): void => undefined;
    const killing = new Promise<void>((resolve) => (started = resolve)).then(() => {
      setTimeout(() => over.abort(), seconds * 1000).unref();
      return killNodes ? service.kill(new Random(seed ^ 1), over.signal) : undefined;
    });
    // Where a node does not come back the run fails at once.
    const [history, ghostHistory] = await Promise.all([
      runWorkload({ ...common, started }),
      runGhosts({ ...common, rooms: ghosts }),
      killing,
    ]);
    const times = { tellMs: killNodes ? TAKEN_OVER_MS : TELL_MS, burnDelayMs: BURN_DELAY_MS };
    const ghostVerdict = { ...checkGhosts(ghostHistory, times), history: ghostHistory };
    return { ...check(history, times), history, ghosts: ghostVerdict, kills: service.kills, serverLog: service.log };
  } finally {
    await service.stop();
  }
}
