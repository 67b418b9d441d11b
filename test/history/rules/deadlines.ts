import { type Entry, type Shown, shownBy, type ToldEntry } from '../log';
import { type Cause, type Deadline, latestBefore } from '../moved-deadlines';
import type { Known, Truth } from '../truth';
import type { Report } from '../violations';
import type { Stretches } from './listening';

/** A deadline moves only closer, for a reason, and everyone who was connected is told. */
export function checkDeadlines(truth: Truth, stretchesOf: Stretches, report: Report): void {
  for (const known of truth.messages.values()) {
    for (const deadline of known.deadlines.slice(1)) {
      checkCause(known, deadline, truth, report);
      checkTold(known, deadline, truth, stretchesOf, report);
    }
  }
  truth.entriesOf.forEach((entries) => checkShown(entries, truth, report));
}

function checkCause(known: Known, { expiresAt, entry }: Deadline, truth: Truth, report: Report): void {
  const explains = ({ ask, answer, afterMs }: Cause): boolean => {
    const [earliest, latest] = [ask.at + (afterMs ?? 0), (answer?.at ?? Infinity) + (afterMs ?? Infinity)];
    return ask.n < entry.n && earliest - truth.skew <= expiresAt && expiresAt <= latest + truth.skew;
  };
  if (known.mode !== 'plain' && !truth.causesOf(known).some(explains)) {
    report.add('deadline', entry, `that of ${known.id} moved to ${new Date(expiresAt).toISOString()} for no reason`);
  }
}

function checkTold(
  known: Known,
  { expiresAt, entry }: Deadline,
  truth: Truth,
  stretchesOf: Stretches,
  report: Report,
): void {
  const cause = truth.causesOf(known)[0]?.ask;
  for (const client of cause ? truth.clientsIn(truth.roomOf(entry)) : []) {
    for (const stretch of stretchesOf.get(client) ?? []) {
      // In a group a message ends for who revealed it before it does for all.
      const ended = !truth.infoFor(client).isGroup && stretch.heardEnd(known);
      const late = entry.at < stretch.heardUntil || ended;
      const concerned = cause && stretch.from.n < cause.n && late;
      const tells = (told: ToldEntry): boolean => told.told === 'status' && told.expiresAt === expiresAt;
      const shows = (message: Shown): boolean => message.expiresAt === expiresAt;
      if (concerned && !stretch.heardChange(known, entry, tells, shows)) {
        report.add('deadline', stretch.to, `that of ${known.id} (seq ${known.seq}, #${entry.n}) moved and nobody told`);
      }
    }
  }
}

/** What is shown has a deadline that is known already, or a sooner one. */
function checkShown(entries: readonly Entry[], truth: Truth, report: Report): void {
  let told = new Map<string, number>();
  for (const entry of entries) {
    if ('told' in entry && entry.told === 'connect') {
      told = new Map();
    }
    const shown = shownBy(entry).map(({ id, expiresAt }) => ({ id, expiresAt }));
    if ('told' in entry && entry.told === 'status' && 'messageId' in entry.range && entry.expiresAt !== undefined) {
      shown.push({ id: entry.range.messageId, expiresAt: entry.expiresAt });
    } else if ('answer' in entry && entry.answer === 'sent') {
      shown.push(entry.sent);
    }
    // Other acks may be overtaken by what happened after they were true.
    const isOrdered = 'told' in entry || ('answer' in entry && entry.answer === 'joined');
    for (const { id, expiresAt } of shown) {
      const known = truth.messages.get(id);
      const before = 'answer' in entry && known ? latestBefore(known, entry.to.n, truth) : Infinity;
      const latest = Math.min(before, isOrdered ? (told.get(id) ?? Infinity) : Infinity);
      if (expiresAt > latest) {
        report.add('deadline', entry, `that of ${id} was ${Math.round(expiresAt - latest)} ms sooner before`);
      }
      if (isOrdered) {
        told.set(id, Math.min(expiresAt, told.get(id) ?? Infinity));
      }
    }
  }
}
