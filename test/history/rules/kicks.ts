import type { AnswerEntry, AskEntry, Entry } from '../log';
import { kicksOf } from '../memberships';
import type { Truth } from '../truth';
import type { Report } from '../violations';

/** How long a kick or ban may take until it holds on every node, ms. */
const KICK_MS = 1000;

/** Nothing of a group reaches a user who was taken out of it, until they are a member again; which a ban forbids. */
export function checkKicks(truth: Truth, report: Report): void {
  for (const [name, entries] of truth.entriesOf) {
    const { userId, isGroup, roomId } = truth.infoFor(name);
    const asks = isGroup ? (truth.asksIn.get(roomId) ?? []) : [];
    for (const { from, done } of isGroup ? kicksOf(userId, truth) : []) {
      const back = asks.find((ask) => ask.n > from && isReturn(ask, userId, truth));
      if (done) {
        const out = entries.filter(({ n }) => n > done.n && n < (back?.n ?? Infinity));
        checkOut(out, done.at + KICK_MS + truth.slowness.at(done.at, 1), report);
      }
    }
    checkBans(entries, asks, truth, report);
  }
}

/** Whether the user may have become a member again by an ask. */
function isReturn(ask: AskEntry, userId: string, truth: Truth): boolean {
  const answer = truth.answers.get(ask.n);
  const isRefused = answer?.answer === 'refused' && !['timeout', 'gone'].includes(answer.code);
  return ask.ask === 'enter' && truth.userOf(ask) === userId && !isRefused;
}

/** Who is banned is not let in before the ban is lifted. */
function checkBans(entries: readonly Entry[], asks: readonly AskEntry[], truth: Truth, report: Report): void {
  for (const entry of entries) {
    if ('answer' in entry && entry.to.ask === 'enter' && entry.answer === 'done') {
      const { to } = entry;
      const own = asks.filter((ask) => 'userId' in ask && ask.userId === truth.userOf(entry) && ask.n < entry.n);
      const ban = own.findLast((ask) => ask.ask === 'ban' && isDoneBefore(truth.answers.get(ask.n), to.n));
      if (ban && !own.some(({ ask, n }) => ask === 'unban' && n > ban.n)) {
        report.add('banned', entry, `let in after the ban of #${ban.n}`);
      }
    }
  }
}

function isDoneBefore(answer: AnswerEntry | undefined, n: number): boolean {
  return answer?.answer === 'done' && answer.n < n;
}

/** What comes unasked was written after the last request of its connection that was answered before it. */
function checkOut(entries: readonly Entry[], kickedAt: number, report: Report): void {
  let floor = -Infinity;
  for (const entry of entries) {
    if ('told' in entry) {
      const isOfRoom = !['connect', 'disconnect', 'kicked', 'foreign'].includes(entry.told);
      if (entry.told === 'connect') {
        floor = entry.at;
      } else if (isOfRoom && floor > kickedAt) {
        report.add(
          'after-kick',
          entry,
          `${entry.told} came ${Math.round(floor - kickedAt + KICK_MS)} ms after it, or later`,
        );
      }
    } else if ('answer' in entry) {
      if (!('call' in entry.to) && !(entry.answer === 'refused' && ['timeout', 'gone'].includes(entry.code))) {
        floor = Math.max(floor, entry.to.at);
      }
      const serves = ['joined', 'page', 'sent'].includes(entry.answer);
      if (entry.to.at > kickedAt && (serves || (entry.answer === 'listed' && entry.lastId !== undefined))) {
        report.add('after-kick', entry, `${entry.to.ask} was answered`);
      }
    }
  }
}
