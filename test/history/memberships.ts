import type { AnswerEntry, AskEntry } from './log';
import type { Truth } from './truth';

/** A time in which a user may have been taken out of their group: from the ask of a kick or ban to its answer, n. */
export interface Kick {
  readonly from: number;
  readonly to: number;
  readonly done: AnswerEntry | undefined;
}

interface Membership {
  readonly kicks: readonly Kick[];
  readonly returns: readonly Return[];
}

/** An answer by which a user became a member again for certain, and its ask. */
interface Return {
  readonly ask: AskEntry;
  readonly n: number;
}

const known = new WeakMap<Truth, Map<string, Membership>>();

/** In the order in which they were asked for. */
export function kicksOf(userId: string, truth: Truth): readonly Kick[] {
  return membershipOf(userId, truth).kicks;
}

export function returnsOf(userId: string, truth: Truth): readonly Return[] {
  return membershipOf(userId, truth).returns;
}

/** Worked out once a user: rules ask for it with every message. */
function membershipOf(userId: string, truth: Truth): Membership {
  const ofTruth = known.get(truth) ?? new Map<string, Membership>();
  known.set(truth, ofTruth);
  let membership = ofTruth.get(userId);
  if (!membership) {
    const kicks = findKicks(userId, truth);
    membership = { kicks, returns: findReturns(userId, kicks, truth) };
    ofTruth.set(userId, membership);
  }
  return membership;
}

function findKicks(userId: string, truth: Truth): Kick[] {
  return [...truth.asksIn.values()].flat().flatMap((ask) => {
    const answer = truth.answers.get(ask.n);
    const done = answer?.answer === 'done' ? answer : undefined;
    const isKick = (ask.ask === 'kick' || ask.ask === 'ban') && ask.userId === userId;
    return isKick ? { from: ask.n, to: answer?.n ?? Infinity, done } : [];
  });
}

function findReturns(userId: string, kicks: readonly Kick[], truth: Truth): Return[] {
  const enters = [...truth.asksIn.values()].flat().filter((ask) => ask.ask === 'enter' && truth.userOf(ask) === userId);
  return enters.flatMap((ask) => {
    const answer = truth.answers.get(ask.n);
    const kick = kicks.findLast(({ from }) => from < ask.n);
    const isOut = kick?.done !== undefined && kick.done.n < ask.n;
    const isFirst = !enters.some(({ n }) => n < ask.n && n > (kick?.from ?? 0));
    return answer?.answer === 'done' && isOut && isFirst ? { ask, n: answer.n } : [];
  });
}
