import type { AskEntry, Entry } from '../log';
import type { Known, Truth } from '../truth';
import type { Report } from '../violations';

/** The end of an epoch, as the first who noticed saw it. */
interface Death {
  readonly epoch: string;
  readonly entry: Entry;
  /** Number of the join that first told of the epoch. */
  readonly seen: number;
}

/** Rooms are wiped when both have left and nothing waits, or when somebody asks for it; never else. */
export function checkLives(truth: Truth, report: Report): void {
  for (const { epoch, entry, seen } of deaths(truth, report)) {
    const ofRoom = truth.asksIn.get(truth.roomOf(entry)) ?? [];
    const messages = [...(truth.epochs.messages.get(epoch)?.values() ?? [])];
    const birth = Math.min(seen, ...messages.map((known) => truth.askOf(known)?.n ?? known.first.n));
    const answeredAfter = (ask: AskEntry, n: number): boolean => (truth.answers.get(ask.n)?.n ?? Infinity) > n;
    const wiped = ofRoom.some((ask) => ask.ask === 'delete' && ask.n < entry.n && answeredAfter(ask, birth));
    if (wiped) {
      continue;
    }
    if ('told' in entry && entry.told === 'closed' && entry.reason !== 'left') {
      report.add('wiped', entry, `closed as ${entry.reason}, which nobody asked for`);
    }
    const raises = ofRoom.filter((ask) => (ask.ask === 'raise' || ask.ask === 'reveal') && ask.n < entry.n);
    for (const known of messages) {
      const waits =
        !known.system &&
        !truth.changes.mayBeRemoved(known.id, entry.n) &&
        known.first.n < entry.n &&
        truth.aliveAt(known, entry.at);
      const sentAt = truth.askOf(known)?.n ?? known.first.n;
      if (waits && !raises.some((ask) => mayRaise(ask, known, truth) && answeredAfter(ask, sentAt))) {
        report.add('wiped', entry, `${known.id} (seq ${known.seq}) waited for its recipient`);
      }
    }
  }
}

function mayRaise(ask: AskEntry, { id, seq, senderId }: Known, truth: Truth): boolean {
  if (truth.userOf(ask) === senderId || (ask.ask !== 'raise' && ask.ask !== 'reveal')) {
    return false;
  }
  if (ask.ask === 'reveal') {
    return ask.messageId === id;
  }
  return 'messageId' in ask.range ? ask.range.messageId === id : seq <= ask.range.upToSeq;
}

/** First sign of the end of each epoch that ended. */
function deaths(truth: Truth, report: Report): Death[] {
  const found = new Map<string, Entry>();
  const seen = new Map<string, number>();
  for (const entries of truth.entriesOf.values()) {
    let epoch: string | undefined;
    let joined = false;
    let left = 0;
    const died = (entry: Entry): void => {
      const before = epoch === undefined ? undefined : found.get(epoch);
      if (epoch !== undefined && (!before || entry.n < before.n)) {
        found.set(epoch, entry);
      }
    };
    for (const entry of entries) {
      if ('told' in entry && entry.told === 'closed') {
        if (joined && entry.reason === 'left') {
          report.add('wiped', entry, 'closed as left, and this one had joined and not left');
        }
        died(entry);
        [epoch, joined] = [undefined, false];
      } else if ('told' in entry && entry.told === 'disconnect') {
        joined = false;
      } else if ('ask' in entry && entry.ask === 'leave') {
        joined = false;
        left = entry.n;
      } else if ('answer' in entry && entry.answer === 'joined') {
        if (entry.joined.epoch !== epoch) {
          died(entry);
        }
        seen.set(entry.joined.epoch, Math.min(entry.to.n, seen.get(entry.joined.epoch) ?? Infinity));
        [epoch, joined] = [entry.joined.epoch, entry.to.n > left];
      }
    }
  }
  return [...found].map(([epoch, entry]) => ({ epoch, entry, seen: seen.get(epoch) ?? entry.n }));
}
