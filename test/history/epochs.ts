import type { AnswerEntry, Entry } from './log';
import type { Known } from './truth';
import type { Report } from './violations';

/** A stretch of a connection within one epoch. */
interface Segment {
  readonly epoch: string | undefined;
  /** When the room was last told to be closed on this client, n. */
  readonly from: number;
}

/** An ack and the end of its room may overtake each other by this much, ms. */
const OVERTAKING_MS = 2000;

/** Which counting of its room a message belongs to. */
export class Epochs {
  /** Messages by epoch and seq. */
  readonly messages = new Map<string, Map<number, Known>>();
  private readonly segmentsOf = new Map<string, Segment[]>();
  /** Number of the ask of the last join that told of an epoch. */
  private readonly lastJoin = new Map<string, number>();

  constructor(private readonly report: Report) {}

  /** The epoch that a client is in, as far as it knows. */
  of(client: string): string | undefined {
    return this.segmentsOf.get(client)?.at(-1)?.epoch;
  }

  /** From this entry on the client is in an epoch; undefined: it does not know in which. */
  begin({ client, n }: Entry, epoch: string | undefined): void {
    const segments = this.segmentsOf.get(client) ?? [];
    this.segmentsOf.set(client, segments);
    segments.push({ epoch, from: n });
  }

  /** A join tells that an epoch stands. */
  stands(epoch: string, { to }: AnswerEntry): void {
    this.bySeq(epoch);
    this.lastJoin.set(epoch, Math.max(to.n, this.lastJoin.get(epoch) ?? 0));
  }

  /** Whether the room of a message was certainly not wiped before an entry. */
  stoodAt({ epoch }: Known, n: number): boolean {
    return epoch !== undefined && (this.lastJoin.get(epoch) ?? 0) > n;
  }

  /** An entry shows that a message belongs to an epoch. */
  place(known: Known, epoch: string, entry: Entry): void {
    known.epoch ??= epoch;
    if (known.epoch !== epoch) {
      this.report.add('corrupt', entry, `${known.id} is in two epochs, ${known.epoch} and ${epoch}`);
      return;
    }
    const bySeq = this.bySeq(epoch);
    const other = bySeq.get(known.seq);
    if (other && other.id !== known.id) {
      this.report.add('doubled', entry, `seq ${known.seq} is ${other.id} and ${known.id}`);
    }
    bySeq.set(known.seq, known);
  }

  /** The same of a message that only its sender's ack tells of: it is that of the sender's connection, where sure. */
  placeSent(known: Known, answer: AnswerEntry, entries: readonly Entry[]): void {
    const segments = this.segmentsOf.get(answer.client) ?? [];
    const index = segments.findLastIndex(({ from }) => from <= answer.to.n);
    const next = entries[(segments[index + 1]?.from ?? Infinity) - 1];
    const epoch = segments[index]?.epoch;
    if (epoch !== undefined && (!next || next.at > answer.at + OVERTAKING_MS)) {
      this.place(known, epoch, answer);
    }
  }

  private bySeq(epoch: string): Map<number, Known> {
    let bySeq = this.messages.get(epoch);
    if (!bySeq) {
      bySeq = new Map();
      this.messages.set(epoch, bySeq);
    }
    return bySeq;
  }
}
