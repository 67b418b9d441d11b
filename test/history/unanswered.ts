import type { Common } from './event-log';
import type { Report } from './violations';

/** While a connection gets other acks this close before, its server is slow rather than silent, ms. */
const PROGRESS_MS = 5000;

/** Acks that never came: those of one connection come in the order in which it asked, so a later one tells. */
export class Unanswered {
  private readonly lastOf = new Map<string, { readonly at: number; readonly asked: number }>();

  /** Takes in every entry, in order. */
  read(entry: Common): void {
    if ('to' in entry && !('call' in (entry.to as object)) && !isGivenUp(entry)) {
      const { n } = entry.to as Common;
      const key = `${entry.client} ${entry.conn}`;
      this.lastOf.set(key, { at: entry.at, asked: Math.max(n, this.lastOf.get(key)?.asked ?? 0) });
    }
  }

  /** An ask whose ack a client has waited for in vain. */
  check(entry: Common & { readonly to: Common & { readonly ask: string } }, report: Report): void {
    const last = this.lastOf.get(`${entry.client} ${entry.conn}`);
    if (!last || last.asked > entry.to.n || last.at < entry.at - PROGRESS_MS) {
      report.add('unanswered', entry, `${entry.to.ask} was never acked`);
    }
  }
}

function isGivenUp(entry: Common): boolean {
  return 'code' in entry && (entry.code === 'timeout' || entry.code === 'gone');
}
