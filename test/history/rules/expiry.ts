import { type AnswerEntry, type Entry, shownBy, type ToldEntry } from '../log';
import { RoomCopy } from '../room-copy';
import type { Truth } from '../truth';
import type { Report } from '../violations';

/** Nothing is served from its deadline on, and everyone is told that it is gone, within `tellMs`. */
export function checkExpiry(truth: Truth, report: Report, tellMs: number): void {
  for (const [name, entries] of truth.entriesOf) {
    checkServed(entries, truth, report);
    const { userId, isGroup } = truth.infoFor(name);
    checkTold(entries, isGroup, new RoomCopy(userId), truth, report, tellMs);
  }
}

/**
 * What is served is compared with the time at which it was asked for, and what comes unasked with that of the last
 * request of the connection that was acked before: the server wrote it later than that, however late it is read.
 */
function checkServed(entries: readonly Entry[], truth: Truth, report: Report): void {
  let floor = -Infinity;
  const served = (entry: Entry, messages: readonly Served[], since: number): void => {
    for (const message of messages) {
      if (truth.expiredBy(message, since, message.type === 'deleted' ? undefined : truth.userOf(entry))) {
        const late = Math.round(since - truth.deadlineOf(message));
        report.add('after-expiry', entry, `${message.id} served ${late} ms after its deadline, or later`);
      }
    }
  };
  for (const entry of entries) {
    if ('told' in entry) {
      if (entry.told === 'connect') {
        floor = -Infinity;
      }
      served(entry, shownBy(entry), floor);
    } else if ('answer' in entry) {
      if (!('call' in entry.to) && entry.answer !== 'refused') {
        floor = Math.max(floor, entry.to.at);
      }
      served(entry, servedBy(entry), entry.to.at);
    }
  }
}

/** A tombstone stands for everyone until the message's own deadline. */
interface Served {
  readonly id: string;
  readonly type?: string;
}

function servedBy(entry: AnswerEntry): readonly Served[] {
  return entry.answer === 'listed' && entry.lastId !== undefined ? [{ id: entry.lastId }] : shownBy(entry);
}

/** `message:expired` comes, not before the deadline, and to everyone whose connection stood at that time. */
function checkTold(
  entries: readonly Entry[],
  isGroup: boolean,
  copy: RoomCopy,
  truth: Truth,
  report: Report,
  tellMs: number,
): void {
  let connectedAt = Infinity;
  let heardUntil = -Infinity;
  /** Whether it has joined on this connection; else what it holds may be of a room that was wiped while it was away. */
  let joined = false;
  const told = new Set<string>();
  for (const entry of entries) {
    if ('told' in entry && entry.told === 'disconnect') {
      for (const { message } of copy.held.values()) {
        if ((joined || told.has(message.id)) && overdue(message, connectedAt, heardUntil, truth, tellMs)) {
          report.add('not-dropped', entry, `${message.id} (seq ${message.seq}) expired and nobody told`);
        }
      }
    }
    copy.apply(entry);
    if ('told' in entry) {
      if (entry.told === 'connect') {
        [connectedAt, heardUntil, joined] = [isGroup ? Infinity : entry.at, -Infinity, false];
        told.clear();
      } else if (entry.told === 'new') {
        told.add(entry.message.id);
      } else if (entry.told === 'kicked') {
        connectedAt = Infinity;
      } else if (entry.told === 'expired') {
        checkReason(entry, truth, report);
        for (const id of entry.ids) {
          const known = truth.messages.get(id);
          if (known && truth.aliveAt(known, entry.at)) {
            report.add('early-expiry', entry, `${id} had ${Math.round(truth.deadlineOf(known) - entry.at)} ms left`);
          } else if (known && overdue(known, connectedAt, heardUntil, truth, tellMs)) {
            const late = Math.round(heardUntil - truth.deadlineOf(known));
            report.add('not-dropped', entry, `${id} was told to be expired ${late} ms after its deadline, or later`);
          }
        }
      }
    } else if (isGroup && 'ask' in entry && entry.ask === 'leave') {
      connectedAt = Infinity;
    } else if ('answer' in entry && !('call' in entry.to) && entry.answer !== 'refused') {
      if (isGroup && (entry.answer === 'joined' || entry.answer === 'sent')) {
        connectedAt = Math.min(connectedAt, entry.at);
      }
      joined ||= entry.answer === 'joined';
      heardUntil = Math.max(heardUntil, entry.to.at);
    }
  }
}

/** `burned` is what was revealed, and nothing else is. */
function checkReason(entry: ToldEntry & { told: 'expired' }, truth: Truth, report: Report): void {
  const { ids, reason } = entry;
  for (const known of ids.flatMap((id) => truth.messages.get(id) ?? [])) {
    const burned = known.mode === 'burn' && truth.causesOf(known).some(({ ask }) => ask.n < entry.n);
    const hasMoved = known.mode === 'burn' && known.deadlines.length > 1 && !truth.changes.removalOf(known.id);
    if (reason === 'burned' ? !burned : hasMoved) {
      report.add('reason', entry, `${known.id} went as ${reason}`);
    }
  }
}

function overdue(
  message: { id: string },
  connectedAt: number,
  heardUntil: number,
  truth: Truth,
  tellMs: number,
): boolean {
  const expiresAt = truth.deadlineOf(message);
  return connectedAt + truth.skew < expiresAt && expiresAt + tellMs + truth.slowness.at(expiresAt) < heardUntil;
}

/** By how much the first `message:expired` of each message came later than the deadline, ms, ascending. */
export function expiryLateness(truth: Truth): number[] {
  const first = new Map<string, number>();
  for (const entry of [...truth.entriesOf.values()].flat()) {
    if ('told' in entry && entry.told === 'expired') {
      entry.ids.forEach((id) => first.set(id, Math.min(entry.at, first.get(id) ?? Infinity)));
    }
  }
  return [...first]
    .flatMap(([id, at]) => (truth.messages.has(id) ? at - truth.deadlineOf({ id }) : []))
    .sort((a, b) => a - b);
}
