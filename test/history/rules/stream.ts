import type { Entry, Shown, ToldEntry } from '../log';
import type { Truth } from '../truth';
import type { Report } from '../violations';
import type { Stretches } from './listening';

/** What a connection was told by `message:new` so far. */
class Stream {
  /** Ids. */
  readonly seen = new Set<string>();
  /** What comes next, after a join ack that said so. */
  expected: number | undefined;
  /** Waiting messages of a join without a point: they come once more, first of all. */
  repeats: Shown[] = [];
  /** The highest seq told in this epoch. */
  last = 0;
  epoch: string | undefined;
  readonly skipped = new Set<number>();

  /** The room counts anew. */
  restart(epoch: string | undefined): void {
    Object.assign(this, { expected: undefined, repeats: [], last: 0, epoch });
    this.skipped.clear();
  }
}

/** Order and completeness of `message:new`, connection by connection. */
export function checkStreams(truth: Truth, stretchesOf: Stretches, report: Report): void {
  for (const [name, entries] of truth.entriesOf) {
    const { userId, isGroup } = truth.infoFor(name);
    let stream = new Stream();
    let left = 0;
    for (const entry of entries) {
      if ('told' in entry) {
        if (entry.told === 'connect') {
          stream = new Stream();
        } else if (entry.told === 'closed' || entry.told === 'kicked') {
          stream.restart(undefined);
        } else if (entry.told === 'new') {
          checkNew(entry, stream, truth, report);
        } else if (entry.told === 'foreign') {
          report.add('foreign', entry, `${entry.event} of ${entry.roomId}`);
        }
      } else if ('answer' in entry && entry.answer === 'joined' && entry.to.ask === 'join') {
        missingRepeats(stream, entry, report);
        const { joined, to } = entry;
        if (stream.epoch !== joined.epoch) {
          stream.restart(joined.epoch);
        }
        const { point } = to;
        const waiting = joined.messages.filter(({ status, senderId }) => status === 'sent' && senderId !== userId);
        stream.repeats = point || isGroup ? [] : waiting;
        const partial = point !== undefined && joined.more && !joined.gap;
        stream.expected = partial || to.n < left ? undefined : joined.lastSeq + 1;
      } else if ('ask' in entry && entry.ask === 'leave') {
        stream.expected = undefined;
        left = entry.n;
      }
    }
  }
  checkListening(truth, stretchesOf, report);
}

function missingRepeats(stream: Stream, entry: Entry, report: Report): void {
  const [first] = stream.repeats;
  if (first) {
    report.add('lost', entry, `${first.id} waited at the last join and was not told again`);
    stream.repeats = [];
  }
}

function checkNew(entry: ToldEntry & { told: 'new' }, stream: Stream, truth: Truth, report: Report): void {
  const { id, seq } = entry.message;
  if (stream.repeats[0]?.id === id) {
    stream.repeats.shift();
    return;
  }
  missingRepeats(stream, entry, report);
  if (stream.seen.has(id)) {
    report.add('doubled', entry, `${id} (seq ${seq}) was told before on this connection`);
    return;
  }
  stream.seen.add(id);
  const { expected } = stream;
  if (stream.skipped.delete(seq) || (expected === undefined && seq <= stream.last)) {
    report.add('reordered', entry, `seq ${seq} comes after ${stream.last}`);
  } else if (expected !== undefined && seq < expected) {
    report.add('doubled', entry, `seq ${seq} was told by the join ack, next was ${expected}`);
  }
  for (let missing = expected ?? seq; missing < seq; missing++) {
    stream.skipped.add(missing);
    const known = truth.epochs.messages.get(stream.epoch ?? '')?.get(missing);
    if (!known || !truth.expiredBy(known, entry.at)) {
      report.add('hole', entry, `seq ${missing} (${known?.id ?? 'unknown'}) is left out before ${seq}`);
    }
  }
  stream.last = Math.max(stream.last, seq);
  if (expected !== undefined) {
    stream.expected = Math.max(expected, seq + 1);
  }
}

/** Everything is told to who listens, the last message too. */
function checkListening(truth: Truth, stretchesOf: Stretches, report: Report): void {
  for (const [name, stretches] of stretchesOf) {
    const messages = truth.messagesIn.get(truth.roomOf({ client: name })) ?? [];
    for (const stretch of stretches) {
      for (const known of messages) {
        const ask = truth.askOf(known);
        const after =
          known.createdAt === undefined
            ? ask !== undefined && ask.n > stretch.from.n
            : known.createdAt - truth.skew > stretch.from.at;
        if (after && known.first.at < stretch.heardUntil && !stretch.heard(known)) {
          report.add('lost', stretch.to, `${known.id} (seq ${known.seq}, #${known.first.n}) never came`);
        }
      }
    }
  }
}
