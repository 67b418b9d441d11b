import type { Entry } from '../log';
import { RoomCopy } from '../room-copy';
import type { Truth } from '../truth';
import type { Report } from '../violations';

/** Nothing is served from its deadline on, and everyone is told that it is gone, within `tellMs`. */
export function checkExpiry(truth: Truth, report: Report, tellMs: number): void {
  for (const [name, entries] of truth.entriesOf) {
    checkServed(entries, truth, report);
    checkTold(entries, new RoomCopy(truth.infoOf.get(name)?.userId ?? ''), truth, report, tellMs);
  }
}

/**
 * What is served is compared with the time at which it was asked for, and what comes unasked with that of the last
 * request of the connection that was acked before: the server wrote it later than that, however late it is read.
 */
function checkServed(entries: readonly Entry[], truth: Truth, report: Report): void {
  let floor = -Infinity;
  const served = (entry: Entry, messages: readonly { id: string; expiresAt: number }[], since: number): void => {
    for (const message of messages) {
      if (truth.expiredBy(message, since)) {
        const late = Math.round(since - message.expiresAt);
        report.add('after-expiry', entry, `${message.id} served ${late} ms after its deadline, or later`);
      }
    }
  };
  for (const entry of entries) {
    if ('told' in entry) {
      if (entry.told === 'connect') {
        floor = -Infinity;
      } else if (entry.told === 'new') {
        served(entry, [entry.message], floor);
      }
    } else if ('answer' in entry) {
      if (!('call' in entry.to) && entry.answer !== 'refused') {
        floor = Math.max(floor, entry.to.at);
      }
      served(entry, shownBy(entry, truth), entry.to.at);
    }
  }
}

function shownBy(
  entry: Extract<Entry, { answer: string }>,
  truth: Truth,
): readonly { id: string; expiresAt: number }[] {
  switch (entry.answer) {
    case 'joined':
      return [...entry.joined.messages, ...entry.joined.changed];
    case 'page':
      return entry.messages;
    case 'listed': {
      const last = entry.lastId === undefined ? undefined : truth.messages.get(entry.lastId);
      return last ? [last] : [];
    }
    case 'sent':
    case 'done':
    case 'refused':
      return [];
  }
}

/** `message:expired` comes, not before the deadline, and to everyone whose connection stood at that time. */
function checkTold(entries: readonly Entry[], copy: RoomCopy, truth: Truth, report: Report, tellMs: number): void {
  let connectedAt = Infinity;
  let heardUntil = -Infinity;
  for (const entry of entries) {
    if ('told' in entry && entry.told === 'disconnect') {
      for (const { message } of copy.held.values()) {
        if (overdue(message, connectedAt, heardUntil, truth, tellMs)) {
          report.add('not-dropped', entry, `${message.id} (seq ${message.seq}) expired and nobody told`);
        }
      }
    }
    copy.apply(entry);
    if ('told' in entry) {
      if (entry.told === 'connect') {
        [connectedAt, heardUntil] = [entry.at, -Infinity];
      } else if (entry.told === 'expired') {
        for (const id of entry.ids) {
          const known = truth.messages.get(id);
          if (known && truth.aliveAt(known, entry.at)) {
            report.add('early-expiry', entry, `${id} had ${Math.round(known.expiresAt - entry.at)} ms left`);
          } else if (known && overdue(known, connectedAt, heardUntil, truth, tellMs)) {
            const late = Math.round(heardUntil - known.expiresAt);
            report.add('not-dropped', entry, `${id} was told to be expired ${late} ms after its deadline, or later`);
          }
        }
      }
    } else if ('answer' in entry && !('call' in entry.to) && entry.answer !== 'refused') {
      heardUntil = Math.max(heardUntil, entry.to.at);
    }
  }
}

function overdue(
  { expiresAt }: { expiresAt: number },
  connectedAt: number,
  heardUntil: number,
  truth: Truth,
  tellMs: number,
): boolean {
  return connectedAt + truth.skew < expiresAt && expiresAt + tellMs < heardUntil;
}

/** By how much the first `message:expired` of each message came later than the deadline, ms, ascending. */
export function expiryLateness({ entriesOf, messages }: Truth): number[] {
  const first = new Map<string, number>();
  for (const entry of [...entriesOf.values()].flat()) {
    if ('told' in entry && entry.told === 'expired') {
      entry.ids.forEach((id) => first.set(id, Math.min(entry.at, first.get(id) ?? Infinity)));
    }
  }
  return [...first].flatMap(([id, at]) => at - (messages.get(id)?.expiresAt ?? at)).sort((a, b) => a - b);
}
