import { MAX_REPORTS_PER_MEMBER, MAX_REPORTS_PER_ROOM, type Report } from '../engine/report';

/** What the members of a room reported, by seq. */
export class Reports {
  private readonly bySeq = new Map<number, Map<string, Report>>();
  private count = 0;

  /** Adds a report, or gives the one that the member made before. */
  add(seq: number, report: Report): Report | 'full' | 'spent' {
    const reports = this.bySeq.get(seq) ?? new Map<string, Report>();
    const before = reports.get(report.reporterId);
    if (before) {
      return before;
    }
    if (this.count >= MAX_REPORTS_PER_ROOM) {
      return 'full';
    }
    if (this.countOf(report.reporterId) >= MAX_REPORTS_PER_MEMBER) {
      return 'spent';
    }
    this.bySeq.set(seq, reports.set(report.reporterId, report));
    this.count++;
    return report;
  }

  /** Seqs of messages that were reported, and their reports. */
  entries(): Iterable<[number, ReadonlyMap<string, Report>]> {
    return this.bySeq;
  }

  /** The message is gone, or only a tombstone is left. */
  forget(seq: number): void {
    this.count -= this.bySeq.get(seq)?.size ?? 0;
    this.bySeq.delete(seq);
  }

  /** Takes back what a user reported. */
  forgetUser(userId: string): void {
    for (const [seq, reports] of this.bySeq) {
      if (reports.delete(userId)) {
        this.count--;
      }
      if (reports.size === 0) {
        this.bySeq.delete(seq);
      }
    }
  }

  private countOf(userId: string): number {
    let count = 0;
    for (const reports of this.bySeq.values()) {
      count += reports.has(userId) ? 1 : 0;
    }
    return count;
  }
}
