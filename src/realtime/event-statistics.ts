import { Injectable } from '@nestjs/common';

/** How often each known event ended in each way. Names come from handlers, never from clients: bounded. */
@Injectable()
export class EventStatistics {
  private readonly counts = new Map<string, Map<string, number>>();

  count(event: string, outcome: string): void {
    let outcomes = this.counts.get(event);
    if (!outcomes) {
      outcomes = new Map();
      this.counts.set(event, outcomes);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  /** Since the start, by event and outcome (`ok`, an error code, `unknown`). */
  totals(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.counts;
  }
}
