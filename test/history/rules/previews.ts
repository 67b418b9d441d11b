import { type Entry, type Shown, shownBy } from '../log';
import type { Truth } from '../truth';
import type { Report } from '../violations';
import { textOf } from '../wire';

/** How much of a message a reply shows, characters (rooms.md). */
const PREVIEW = 100;

/** A reply shows the beginning of the message that it answers as it is, and nothing of what is gone or burns. */
export function checkPreviews(truth: Truth, report: Report): void {
  for (const entries of truth.entriesOf.values()) {
    /** The last request of this connection that was acked: what comes unasked was written later. */
    let floor = { n: 0, at: -Infinity };
    for (const entry of entries) {
      if ('told' in entry && entry.told === 'connect') {
        floor = { n: 0, at: -Infinity };
      }
      const since = 'answer' in entry ? entry.to : floor;
      shownBy(entry).forEach((shown) => checkShown(entry, shown, since, truth, report));
      if ('answer' in entry && !('call' in entry.to) && entry.answer !== 'refused' && entry.to.n > floor.n) {
        floor = entry.to;
      }
    }
  }
}

function checkShown(
  entry: Entry,
  { id, quotes, preview }: Shown,
  since: { readonly n: number; readonly at: number },
  truth: Truth,
  report: Report,
): void {
  const original = quotes === undefined ? undefined : truth.messages.get(quotes);
  if (!original) {
    return;
  }
  const wrong = (what: string): void => report.add('preview', entry, `${id} answers ${original.id}, which ${what}`);
  const { changes } = truth;
  if (typeof preview !== 'string') {
    const stands = !changes.mayBeRemoved(original.id, entry.n) && truth.aliveAt(original, entry.at);
    if (original.mode !== 'burn' && !original.system && stands && truth.epochs.stoodAt(original, entry.n)) {
      wrong('is there, and nothing of it is shown');
    }
    return;
  }
  const version = versionOf(preview, original.clientId);
  if (original.mode === 'burn') {
    wrong('burns');
  } else if (truth.expiredBy(original, since.at)) {
    wrong(`had expired ${Math.round(since.at - truth.deadlineOf(original))} ms before, or more`);
  } else if (changes.isRemoved(original.id, since.n)) {
    wrong('was deleted');
  } else if (!original.system && original.clientId !== undefined && version === undefined) {
    wrong(`has not this text: ${preview}`);
  } else if (changes.isStale(original.id, version, since.n)) {
    wrong(`was edited since it had text ${version}`);
  }
}

/** Which of a message's texts begins like this; undefined: none. */
function versionOf(preview: string, clientId = ''): number | undefined {
  const version = Number(/^[^/]+\/(\d+) /.exec(preview)?.[1]);
  return preview === textOf(clientId, version).slice(0, PREVIEW) ? version : undefined;
}
