import type { Known, Truth } from '../truth';
import type { Report } from '../violations';

/** One `clientId` of a sender is one message, for as long as its room counts on. */
export function checkClientIds({ messages }: Truth, report: Report): void {
  const ids = new Map<string, Known>();
  for (const known of messages.values()) {
    if (known.clientId === undefined || known.epoch === undefined) {
      continue;
    }
    const key = `${known.epoch} ${known.senderId} ${known.clientId}`;
    const first = ids.get(key);
    if (first) {
      const text = `clientId ${known.clientId} has ${first.id} (seq ${first.seq}) and ${known.id} (seq ${known.seq})`;
      report.add('doubled', known.first, text);
    }
    ids.set(key, known);
  }
}
