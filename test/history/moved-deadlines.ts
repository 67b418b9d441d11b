import type { AnswerEntry, AskEntry, Entry } from './log';
import type { Known, Truth } from './truth';

/** A deadline that a message was shown to have. */
export interface Deadline {
  /** Epoch ms. */
  readonly expiresAt: number;
  /** The first entry that shows it. */
  readonly entry: Entry;
}

/** Something that may have moved the deadline of a message: a reveal, or a receipt. */
export interface Cause {
  readonly ask: AskEntry;
  /** Undefined: it may have been done, or not. */
  readonly answer: AnswerEntry | undefined;
  /** How long after it the deadline is, ms; undefined: that is not known. */
  readonly afterMs: number | undefined;
}

/** What may have moved the deadline of a message, in the order in which it was asked for; refusals are left out. */
export function causesOf(known: Known, truth: Truth): Cause[] {
  if (known.mode === 'plain') {
    return [];
  }
  const isCause = known.mode === 'burn' ? isReveal : isSeen;
  const sentAt = truth.askOf(known)?.n ?? known.first.n;
  return (truth.asksIn.get(truth.roomOf(known.first)) ?? []).flatMap((ask) => {
    const answer = truth.answers.get(ask.n);
    const isRefused = answer?.answer === 'refused' && !['timeout', 'gone'].includes(answer.code);
    if (!isRefused && (ask.ask === 'kick' || ask.ask === 'ban') && (answer?.n ?? Infinity) > sentAt) {
      // Who goes need not reveal it, nor see it: at once, or when the countdowns of the others end.
      return { ask, answer, afterMs: 0 };
    }
    if (isRefused || truth.userOf(ask) === known.senderId || !isCause(ask, known)) {
      return [];
    }
    const done = answer?.answer === 'refused' ? undefined : answer;
    return { ask, answer: done, afterMs: known.mode === 'burn' ? truth.burnDelayMs : seenTtlMs(known, truth) };
  });
}

/** The latest deadline that a message can have for who asks at an entry, epoch ms: what was known before it. */
export function latestBefore(known: Known, n: number, truth: Truth): number {
  const shown = known.deadlines.findLast(({ entry }) => entry.n < n)?.expiresAt ?? Infinity;
  const done = truth.causesOf(known).map(({ ask, answer, afterMs }) => {
    const stands = known.mode === 'seen' && !truth.changes.mayBeRemoved(known.id, n);
    const certain = stands && answer && answer.n < n && known.first.n < ask.n && afterMs !== undefined;
    return certain ? answer.at + afterMs + truth.skew : Infinity;
  });
  return Math.min(shown, ...done);
}

function isReveal(ask: AskEntry, { id }: Known): boolean {
  return ask.ask === 'reveal' && ask.messageId === id;
}

function isSeen(ask: AskEntry, { id, seq }: Known): boolean {
  return (
    ask.ask === 'raise' &&
    ask.status === 'seen' &&
    ('messageId' in ask.range ? ask.range.messageId === id : seq <= ask.range.upToSeq)
  );
}

function seenTtlMs(known: Known, truth: Truth): number | undefined {
  const ask = truth.askOf(known);
  return ask?.ask === 'send' && ask.ttl !== undefined ? ask.ttl * 1000 : undefined;
}
