import { check, type Verdict } from './checker';
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
  readonly pace: number;
  /** Redis under a single node too. */
  readonly redis: boolean;
  /** Nodes are killed and started again all the time. Needs two. */
  readonly killNodes: boolean;
}

export interface Outcome extends Verdict {
  readonly history: History;
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
    const [history] = await Promise.all([runWorkload({ ...common, started }), killing]);
    const verdict = check(history, { tellMs: killNodes ? TAKEN_OVER_MS : TELL_MS, burnDelayMs: BURN_DELAY_MS });
    return { ...verdict, history, kills: service.kills, serverLog: service.log };
  } finally {
    await service.stop();
  }
}
