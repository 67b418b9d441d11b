import { type Entry, rank, type Shown, shownBy } from '../log';
import type { Truth } from '../truth';
import type { Report } from '../violations';

/** A status only rises: on a connection in the order of what comes, and for an answer since before it was asked for. */
export function checkStatuses(truth: Truth, report: Report): void {
  for (const [name, entries] of truth.entriesOf) {
    if (truth.infoFor(name).isGroup) {
      continue;
    }
    let ranks = new Map<string, number>();
    let shown = new Map<string, Shown>();
    const show = (message: Shown): void => {
      shown.set(message.id, message);
      ranks.set(message.id, Math.max(rank(message.status), ranks.get(message.id) ?? 0));
    };
    for (const entry of entries) {
      if ('told' in entry) {
        if (entry.told === 'connect') {
          [ranks, shown] = [new Map(), new Map()];
        } else if (entry.told === 'new') {
          const before = ranks.get(entry.message.id) ?? 0;
          // A tombstone keeps the status that the message had.
          if (entry.message.type !== 'deleted' && rank(entry.message.status) < before) {
            report.add('status', entry, `${entry.message.id} falls back to ${entry.message.status}`);
          }
          show(entry.message);
        } else if (entry.told === 'status') {
          checkTold(entry, ranks, shown, report);
        }
      } else if ('answer' in entry) {
        const messages = shownBy(entry);
        for (const message of messages) {
          const rise = truth.riseBefore(message.id, entry.to.n);
          if (rise && message.type !== 'deleted' && rank(message.status) < rise.rank) {
            report.add('status', entry, `${message.id} rose (#${rise.n}) and is ${message.status} here`);
          }
        }
        if (entry.answer === 'joined') {
          messages.forEach(show);
        }
      }
    }
  }
}

function checkTold(
  entry: Extract<Entry, { told: 'status' }>,
  ranks: Map<string, number>,
  shown: Map<string, Shown>,
  report: Report,
): void {
  const { range, status, userId } = entry;
  if ('messageId' in range) {
    const before = ranks.get(range.messageId) ?? 0;
    if (rank(status) <= before) {
      report.add('status', entry, `${range.messageId} is told to be ${status}, and was before`);
    }
    ranks.set(range.messageId, Math.max(rank(status), before));
    return;
  }
  for (const { id, seq, senderId, burn } of shown.values()) {
    // Burn messages become seen one by one.
    if (seq <= range.upToSeq && senderId !== userId && (status !== 'seen' || !burn)) {
      ranks.set(id, Math.max(rank(status), ranks.get(id) ?? 0));
    }
  }
}
