import { type Entry, type Shown, shownBy, type ToldEntry } from '../log';
import type { Known, Truth } from '../truth';
import type { Report } from '../violations';
import type { Stretches } from './listening';

/** What was edited is served as it is now, what was deleted never again, and everyone who was connected is told. */
export function checkChanges(truth: Truth, stretchesOf: Stretches, report: Report): void {
  for (const entries of truth.entriesOf.values()) {
    checkServed(entries, truth, report);
  }
  for (const known of truth.messages.values()) {
    checkTold(known, truth, stretchesOf, report);
  }
}

function checkServed(entries: readonly Entry[], truth: Truth, report: Report): void {
  /** The ask of the last request that was acked on this connection: what comes unasked was written later. */
  let floor = 0;
  let told = new Map<string, Shown>();
  let buried = new Set<string>();
  for (const entry of entries) {
    if ('told' in entry && entry.told === 'connect') {
      [floor, told, buried] = [0, new Map(), new Set()];
    }
    const since = 'answer' in entry ? entry.to.n : floor;
    for (const shown of shownBy(entry)) {
      checkShown(entry, shown, since, truth, report);
      if ('told' in entry && shown.type === 'text') {
        const later = truth.changes.editsOf(shown.id).find(({ version }) => version === told.get(shown.id)?.version);
        if (later && later.version !== shown.version && truth.changes.isBefore(shown.id, shown.version, later)) {
          report.add('stale', entry, `${shown.id} has text ${shown.version} after ${later.version}`);
        }
        if (buried.has(shown.id)) {
          report.add('undeleted', entry, `${shown.id} comes after its deletion`);
        }
        told.set(shown.id, shown);
      }
    }
    if ('told' in entry && entry.told === 'deleted') {
      buried.add(entry.messageId);
    } else if ('answer' in entry && !('call' in entry.to) && entry.answer !== 'refused') {
      floor = Math.max(floor, entry.to.n);
    }
    if ('answer' in entry && entry.answer === 'listed' && truth.changes.isRemoved(entry.lastId ?? '', since)) {
      report.add('undeleted', entry, `${entry.lastId} is the last message of a list`);
    }
  }
}

function checkShown(
  entry: Entry,
  { id, seq, type, version }: Shown,
  since: number,
  truth: Truth,
  report: Report,
): void {
  const { changes } = truth;
  if (type !== 'text') {
    return;
  }
  if (changes.isRemoved(id, since)) {
    report.add('undeleted', entry, `${id} (seq ${seq}) was deleted before it was asked for`);
  }
  if (version !== undefined && version > 0 && !changes.editsOf(id).some((edit) => edit.version === version)) {
    report.add('corrupt', entry, `${id} (seq ${seq}) has a text that nobody gave it`);
  }
  if (changes.isStale(id, version, since)) {
    report.add('stale', entry, `${id} (seq ${seq}) has text ${version}, which was edited before`);
  }
}

function checkTold(known: Known, truth: Truth, stretchesOf: Stretches, report: Report): void {
  const { changes } = truth;
  const isGone = (told: ToldEntry): boolean => told.told === 'deleted' || told.told === 'expired';
  const heard = (
    what: string,
    ask: Entry,
    entry: Entry,
    tells: (told: ToldEntry) => boolean,
    shows: (shown: Shown) => boolean,
  ): void => {
    for (const client of truth.clientsIn(truth.roomOf(known.first))) {
      for (const stretch of stretchesOf.get(client) ?? []) {
        const concerned = stretch.from.n < ask.n && entry.at < stretch.heardUntil;
        if (concerned && !stretch.heardChange(known, entry, tells, shows)) {
          report.add('untold', stretch.to, `${known.id} (seq ${known.seq}) was ${what} (#${entry.n})`);
        }
      }
    }
  };
  for (const edit of changes.editsOf(known.id)) {
    const isOld = (version: number | undefined): boolean =>
      version !== edit.version && changes.isBefore(known.id, version, edit);
    if (edit.answer) {
      const tells = (told: ToldEntry): boolean => told.told === 'edited' && !isOld(told.message.version);
      const shows = (shown: Shown): boolean => shown.type === 'deleted' || !isOld(shown.version);
      heard('edited', edit.ask, edit.answer, (told) => isGone(told) || tells(told), shows);
    }
  }
  const removal = changes.removalOf(known.id);
  if (removal?.ask) {
    heard('deleted', removal.ask, removal.entry, isGone, ({ type }) => type === 'deleted');
  }
}
