import type { Entry, History } from './log';
import { rank } from './log';
import { kicksOf } from './memberships';
import { RoomCopy } from './room-copy';
import { checkExpiry, expiryLateness } from './rules/expiry';
import { checkBurns } from './rules/burn';
import { checkChanges } from './rules/changes';
import { checkDeadlines } from './rules/deadlines';
import { checkClientIds } from './rules/ids';
import { checkKicks } from './rules/kicks';
import { checkPreviews } from './rules/previews';
import { checkLives } from './rules/life';
import { listeningStretches } from './rules/listening';
import { checkJoins } from './rules/resume';
import { checkStatuses } from './rules/status';
import { checkStreams } from './rules/stream';
import { Truth } from './truth';
import { Unanswered } from './unanswered';
import { Report, type Violation } from './violations';

export interface CheckOptions {
  /** How long after a deadline a connected client may still hold the message, ms. */
  readonly tellMs?: number;
  /** How long a message stays from its reveal, ms; else that is not checked. */
  readonly burnDelayMs?: number;
}

/** What a run was made of. */
export interface Counts {
  readonly clients: number;
  readonly connections: number;
  readonly sends: number;
  readonly acked: number;
  readonly repeatsRecognised: number;
  readonly messages: number;
  readonly delivered: number;
  readonly joins: number;
  readonly resumed: number;
  readonly gaps: number;
  readonly continued: number;
  readonly receipts: number;
  readonly revealed: number;
  readonly refusedReveals: number;
  readonly movedDeadlines: number;
  readonly kicks: number;
  readonly bans: number;
  readonly replies: number;
  readonly edits: number;
  readonly deletions: number;
  readonly expiredTold: number;
  readonly roomsWiped: number;
  readonly refused: Readonly<Record<string, number>>;
  /** By how much the first `message:expired` was later than the deadline, ms; clients that stop reading are among them. */
  readonly expiryLatenessMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly clockSkewMs: number;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly counts: Counts;
}

const TELL_MS = 1500;
/** Codes of refusals that no client has earned. */
const FAILURES = ['InternalServerError', 'ValidationError'];

/** Judges a history: whatever the guarantees forbid and its logs prove. Depends on nothing but the logs. */
export function check(history: History, { tellMs = TELL_MS, burnDelayMs }: CheckOptions = {}): Verdict {
  const report = new Report();
  const truth = new Truth(history, report, burnDelayMs);
  checkAnswers(truth, report);
  checkClientIds(truth, report);
  const stretchesOf = new Map(
    [...truth.entriesOf].map(([name, all]) => {
      const { isGroup, userId } = truth.infoFor(name);
      return [
        name,
        listeningStretches(
          all,
          { isGroup, kicks: isGroup ? kicksOf(userId, truth) : [], slowness: truth.slowness },
          report,
        ),
      ];
    }),
  );
  checkStreams(truth, stretchesOf, report);
  checkJoins(truth, report);
  checkExpiry(truth, report, tellMs);
  checkDeadlines(truth, stretchesOf, report);
  checkBurns(truth, report);
  checkChanges(truth, stretchesOf, report);
  checkStatuses(truth, report);
  checkLives(truth, report);
  checkKicks(truth, report);
  checkPreviews(truth, report);
  checkEnd(truth, report);
  return { violations: report.violations.sort((a, b) => a.n - b.n), counts: count(history, truth) };
}

function checkAnswers({ history, changes }: Truth, report: Report): void {
  const unanswered = new Unanswered();
  for (const entry of history.entries) {
    unanswered.read(entry);
    if ('answer' in entry && entry.answer === 'refused') {
      // What was deleted is no burn message any more.
      const isFixed = entry.to.ask === 'reveal' && changes.mayBeRemoved(entry.to.messageId, entry.n);
      if (entry.code === 'timeout') {
        unanswered.check(entry, report);
      } else if (FAILURES.includes(entry.code) && !(isFixed && entry.code === 'ValidationError')) {
        report.add('failed', entry, `${entry.to.ask} was refused with ${entry.code}`);
      }
    }
  }
}

/** When nobody sends any more, what a client holds is what history shows. */
function checkEnd(truth: Truth, report: Report): void {
  for (const [name, entries] of truth.entriesOf) {
    const copy = new RoomCopy(truth.infoOf.get(name)?.userId ?? '');
    for (const entry of entries) {
      copy.apply(entry);
      if (
        !('answer' in entry) ||
        entry.answer !== 'page' ||
        entry.to.ask !== 'page' ||
        !entry.to.final ||
        !copy.current
      ) {
        continue;
      }
      const shown = new Map(entry.messages.map((message) => [message.seq, message]));
      const from = Math.max(copy.from, entry.more ? (entry.messages[0]?.seq ?? 1) : 1);
      for (const { message, status, expiresAt } of copy.held.values()) {
        const now = shown.get(message.seq);
        const isDeleted = message.type === 'deleted' || now?.type === 'deleted';
        if (message.seq >= from && truth.aliveAt(message, entry.at) && now?.id !== message.id) {
          report.add('not-dropped', entry, `${message.id} (seq ${message.seq}) is not in the history any more`);
        } else if (
          isDeleted ? now?.type !== 'deleted' || message.type !== 'deleted' : now?.version !== message.version
        ) {
          if (now) {
            report.add('untold', entry, `${message.id} (seq ${message.seq}) is not held with the text that it has`);
          }
        } else if (isDeleted) {
          continue;
        } else if (now && !truth.infoFor(name).isGroup && rank(now.status) !== rank(status)) {
          report.add('status', entry, `${message.id} (seq ${message.seq}) is ${now.status} and held as ${status}`);
        } else if (now && now.expiresAt !== expiresAt) {
          report.add('deadline', entry, `that of ${message.id} (seq ${message.seq}) is another than the client knows`);
        }
      }
      for (const { id, seq, type } of entry.messages) {
        if (
          type !== 'deleted' &&
          seq >= from &&
          truth.aliveAt({ id }, entry.at) &&
          copy.held.get(seq)?.message.id !== id
        ) {
          report.add('lost', entry, `${id} (seq ${seq}) is in the history and the client does not hold it`);
        }
      }
    }
  }
}

function count({ clients, entries }: History, truth: Truth): Counts {
  const of = (matches: (entry: Entry) => boolean): number => entries.filter(matches).length;
  const lateness = expiryLateness(truth);
  const at = (share: number): number => Math.round(lateness[Math.ceil(lateness.length * share) - 1] ?? 0);
  const refusals = entries.flatMap((entry) => ('answer' in entry && entry.answer === 'refused' ? entry.code : []));
  const joined = entries.flatMap((entry) => ('answer' in entry && entry.answer === 'joined' ? entry : []));
  const resumed = joined.filter(({ to }) => to.ask === 'join' && to.point !== undefined);
  const epochs = new Map(joined.map(({ joined: { epoch }, client }) => [epoch, truth.infoOf.get(client)?.roomId]));
  return {
    clients: clients.length,
    connections: of((entry) => 'told' in entry && entry.told === 'connect'),
    sends: of((entry) => 'ask' in entry && entry.ask === 'send'),
    acked: of((entry) => 'answer' in entry && entry.answer === 'sent'),
    repeatsRecognised: of((entry) => 'answer' in entry && entry.answer === 'sent' && entry.sent.duplicate),
    messages: truth.messages.size,
    delivered: of((entry) => 'told' in entry && entry.told === 'new'),
    joins: joined.length,
    resumed: resumed.filter(({ joined: { gap } }) => !gap).length,
    gaps: resumed.filter(({ joined: { gap } }) => gap).length,
    continued: resumed.filter(({ joined: { gap, more } }) => more && !gap).length,
    receipts: of((entry) => 'answer' in entry && entry.to.ask === 'raise' && entry.answer === 'done'),
    revealed: of((entry) => 'answer' in entry && entry.answer === 'revealed'),
    refusedReveals: of((entry) => 'answer' in entry && entry.to.ask === 'reveal' && entry.answer === 'refused'),
    movedDeadlines: [...truth.messages.values()].filter(({ deadlines }) => deadlines.length > 1).length,
    kicks: of((entry) => 'answer' in entry && entry.to.ask === 'kick' && entry.answer === 'done'),
    bans: of((entry) => 'answer' in entry && entry.to.ask === 'ban' && entry.answer === 'done'),
    replies: of((entry) => 'told' in entry && entry.told === 'new' && entry.message.quotes !== undefined),
    edits: of((entry) => 'answer' in entry && entry.to.ask === 'edit' && entry.answer === 'done'),
    deletions: of((entry) => 'answer' in entry && entry.to.ask === 'remove' && entry.answer === 'done'),
    expiredTold: lateness.length,
    roomsWiped: epochs.size - new Set(epochs.values()).size,
    refused: Object.fromEntries(
      [...new Set(refusals)].map((code) => [code, refusals.filter((one) => one === code).length]),
    ),
    expiryLatenessMs: { p50: at(0.5), p99: at(0.99), max: Math.round(lateness.at(-1) ?? 0) },
    clockSkewMs: Math.round(truth.skew),
  };
}
