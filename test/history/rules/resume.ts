import type { AnswerEntry, JoinAck, Point } from '../log';
import { rank } from '../log';
import { kicksOf } from '../memberships';
import { latestBefore } from '../moved-deadlines';
import { RoomCopy } from '../room-copy';
import type { Known, Truth } from '../truth';
import type { Report } from '../violations';

/** More changes than this make an ack a gap (chat.md, Resume). */
const MAX_CHANGED = 500;

type Joined = AnswerEntry & { readonly answer: 'joined' };

/** Join acks: what they say, and what a client that goes by them is left with. */
export function checkJoins(truth: Truth, report: Report): void {
  const epochs = new EpochOrder(truth);
  const seqs = new SeqsKnown(truth);
  for (const [name, entries] of truth.entriesOf) {
    const copy = new RoomCopy(truth.infoOf.get(name)?.userId ?? '');
    for (const entry of entries) {
      copy.apply(entry);
      if (!('answer' in entry) || entry.answer !== 'joined' || entry.to.ask !== 'join') {
        continue;
      }
      const { point } = entry.to;
      const { isGroup } = truth.infoFor(name);
      checkShape(entry, point, report);
      checkGap(entry, point, truth, report);
      checkLive(entry, truth, report);
      const newer = epochs.newerThan(entry);
      if (newer !== undefined) {
        report.add('stale', entry, `epoch ${entry.joined.epoch} was followed by ${newer} before`);
      }
      if (point === undefined || entry.joined.gap || !entry.joined.more) {
        const latest = seqs.before(entry);
        if (latest && latest.seq > entry.joined.lastSeq) {
          report.add('stale', entry, `lastSeq is ${entry.joined.lastSeq}, ${latest.id} was seq ${latest.seq} before`);
        }
        if (copy.point !== undefined) {
          checkCopy(entry, copy, isGroup, truth, report);
        }
      }
    }
  }
}

function checkShape(entry: Joined, point: Point | undefined, report: Report): void {
  const { messages, changed, live, lastSeq, gap, more } = entry.joined;
  const since = gap ? 0 : (point?.since ?? 0);
  const wrong = (what: string): void => report.add('unaccounted', entry, what);
  messages.forEach(({ seq }, index) => {
    if (seq <= (messages[index - 1]?.seq ?? since) || seq > lastSeq) {
      wrong(`messages: seq ${seq} is out of order or bounds`);
    }
  });
  live.forEach(([from, to], index) => {
    if (from <= (live[index - 1]?.[1] ?? 0) || to < from || to > since) {
      wrong(`live: [${from}, ${to}] is out of order or bounds`);
    }
  });
  const stands = (seq: number): boolean => live.some(([from, to]) => from <= seq && seq <= to);
  if (changed.some(({ seq, type }) => stands(seq) === (type === 'deleted'))) {
    wrong('changed: not among the live ones, or a tombstone among them');
  }
  if (point && more && !gap && lastSeq !== messages.at(-1)?.seq) {
    wrong(`more: lastSeq ${lastSeq} is not the last that was looked at`);
  }
  if (!point && (gap || live.length > 0)) {
    wrong('gap or live without since');
  }
}

function checkGap(entry: Joined, point: Point | undefined, truth: Truth, report: Report): void {
  const { epoch, lastSeq, gap } = entry.joined;
  if (!point) {
    return;
  }
  const anew = point.epoch !== epoch || point.since > lastSeq;
  if (gap === anew) {
    return;
  }
  const raised = [...(truth.epochs.messages.get(epoch)?.values() ?? [])].filter(
    ({ id, rises }) => rises.length > 0 || truth.changes.editsOf(id).length > 0 || truth.changes.removalOf(id),
  ).length;
  if (!gap || raised <= MAX_CHANGED) {
    report.add('unaccounted', entry, `gap is ${gap} from ${point.since} of ${point.epoch}`);
  }
}

function checkLive(entry: Joined, truth: Truth, report: Report): void {
  const { live, epoch } = entry.joined;
  for (const [from, to] of live) {
    for (let seq = from; seq <= to; seq++) {
      const known = truth.epochs.messages.get(epoch)?.get(seq);
      if (known && truth.expiredBy(known, entry.to.at, truth.userOf(entry))) {
        report.add('unaccounted', entry, `live: seq ${seq} (${known.id}) was expired`);
      } else if (known && truth.changes.isRemoved(known.id, entry.to.n)) {
        report.add('unaccounted', entry, `live: seq ${seq} (${known.id}) was deleted`);
      }
    }
  }
}

/** What the client holds now must be what stands. */
function checkCopy(entry: Joined, copy: RoomCopy, isGroup: boolean, truth: Truth, report: Report): void {
  const { epoch, lastSeq } = entry.joined;
  // Who comes back is sent nothing that burns from before.
  const wasOut = isGroup && kicksOf(truth.userOf(entry), truth).some(({ from }) => from < entry.n);
  for (const known of truth.epochs.messages.get(epoch)?.values() ?? []) {
    const asked = known.seq >= copy.from && known.seq <= lastSeq;
    if (
      asked &&
      !truth.changes.mayBeRemoved(known.id, entry.n) &&
      !(known.mode === 'burn' && wasOut) &&
      truth.aliveAt(known, entry.at) &&
      copy.held.get(known.seq)?.message.id !== known.id
    ) {
      report.add('lost', entry, `${known.id} (seq ${known.seq}) is accounted for by nothing`);
    }
  }
  for (const { message, status, expiresAt } of copy.held.values()) {
    const viewer = message.type === 'deleted' ? undefined : truth.userOf(entry);
    if (truth.expiredBy(message, entry.to.at, viewer)) {
      report.add('not-dropped', entry, `${message.id} (seq ${message.seq}) was expired when it was asked for`);
    }
    if (truth.messages.get(message.id)?.epoch !== epoch) {
      report.add('not-dropped', entry, `${message.id} (seq ${message.seq}) is of another epoch`);
    }
    if (message.type === 'deleted') {
      continue;
    }
    if (truth.changes.isRemoved(message.id, entry.to.n)) {
      report.add('undeleted', entry, `${message.id} (seq ${message.seq}) was deleted, and its text is held`);
    }
    if (truth.changes.isStale(message.id, message.version, entry.to.n)) {
      report.add('stale', entry, `${message.id} (seq ${message.seq}) was edited, and is held as it was`);
    }
    const known = truth.messages.get(message.id);
    if (known && expiresAt > latestBefore(known, entry.to.n, truth)) {
      report.add('deadline', entry, `that of ${message.id} (seq ${message.seq}) moved, and is held as it was`);
    }
    const rise = truth.riseBefore(message.id, entry.to.n);
    if (rise && !isGroup && rank(status) < rise.rank) {
      report.add('status', entry, `${message.id} (seq ${message.seq}) rose (#${rise.n}) and is held as ${status}`);
    }
  }
}

/** Which epoch of a room came after which. */
class EpochOrder {
  private readonly first = new Map<string, Joined>();
  private readonly ofRoom = new Map<string, string[]>();

  constructor(private readonly truth: Truth) {
    for (const answer of [...truth.answers.values()].sort((a, b) => a.n - b.n)) {
      if (answer.answer === 'joined' && !this.first.has(answer.joined.epoch)) {
        this.first.set(answer.joined.epoch, answer);
        const room = truth.roomOf(answer);
        this.ofRoom.set(room, [...(this.ofRoom.get(room) ?? []), answer.joined.epoch]);
      }
    }
  }

  /** An epoch that certainly came after the one of this ack, and was known before it was asked for. */
  newerThan(entry: Joined): string | undefined {
    const own = this.first.get(entry.joined.epoch);
    return this.ofRoom.get(this.truth.roomOf(entry))?.find((epoch) => {
      const other = this.first.get(epoch);
      return own && other && own.n < other.to.n && other.n < entry.to.n;
    });
  }
}

/** The highest seq of an epoch that somebody knew at a time. */
class SeqsKnown {
  private readonly byEpoch = new Map<string, Known[]>();

  constructor(truth: Truth) {
    for (const [epoch, bySeq] of truth.epochs.messages) {
      const rising: Known[] = [];
      for (const known of [...bySeq.values()].sort((a, b) => a.first.n - b.first.n)) {
        if (known.seq > (rising.at(-1)?.seq ?? 0)) {
          rising.push(known);
        }
      }
      this.byEpoch.set(epoch, rising);
    }
  }

  before({ joined, to }: { joined: JoinAck; to: { n: number } }): Known | undefined {
    return this.byEpoch.get(joined.epoch)?.findLast(({ first }) => first.n < to.n);
  }
}
