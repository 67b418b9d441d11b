import type { AnswerEntry } from './log';
import type { Truth } from './truth';

/** A time in which a user may have been taken out of their group: from the ask of a kick or ban to its answer, n. */
export interface Kick {
  readonly from: number;
  readonly to: number;
  readonly done: AnswerEntry | undefined;
}

/** In the order in which they were asked for. */
export function kicksOf(userId: string, truth: Truth): Kick[] {
  return [...truth.asksIn.values()].flat().flatMap((ask) => {
    const answer = truth.answers.get(ask.n);
    const done = answer?.answer === 'done' ? answer : undefined;
    const isKick = (ask.ask === 'kick' || ask.ask === 'ban') && ask.userId === userId;
    return isKick ? { from: ask.n, to: answer?.n ?? Infinity, done } : [];
  });
}
