import type { Entry } from '../log';
import type { Truth } from '../truth';
import type { Report } from '../violations';

/** How long a kick may take until it holds on every node, ms. */
const KICK_MS = 1000;

/** Nothing of a group reaches a user who was taken out of it, until they are a member again. */
export function checkKicks(truth: Truth, report: Report): void {
  for (const [name, entries] of truth.entriesOf) {
    const { userId, isGroup, roomId } = truth.infoFor(name);
    for (const { from, done } of isGroup ? truth.kicksOf(userId) : []) {
      const back = truth.asksIn
        .get(roomId)
        ?.find((ask) => ask.ask === 'enter' && ask.n > from && truth.userOf(ask) === userId);
      if (done) {
        const out = entries.filter(({ n }) => n > done.n && n < (back?.n ?? Infinity));
        checkOut(out, done.at + KICK_MS, report);
      }
    }
  }
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
