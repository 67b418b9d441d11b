import type { Report } from '../violations';
import { type ClientInfo, type Entry, isRefused } from './log';
import { endsPlace, type GhostTruth, isAnswered, type Span } from './truth';

/** For so long a stranded connection certainly stands: less than its server waits for an answer to a ping, ms. */
const STANDS_MS = 3000;
/** From then on it certainly does not: more than the interval of pings and the wait for their answer, ms. */
const FALLEN_MS = 25_000;

/** Numbers of entries, both included. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** When somebody was in a room, by name: for certain, and maybe. */
class Presence {
  private readonly surely: Stretch[] = [];
  private readonly maybe: Stretch[] = [];

  constructor(tabs: readonly ClientInfo[], truth: GhostTruth) {
    tabs.forEach((tab) => this.read(tab, truth));
    this.surely.sort((a, b) => a.from - b.from);
  }

  /** Whether they were there all the time. */
  isIn(from: number, to: number): boolean {
    let reached = from;
    for (const stretch of this.surely) {
      if (stretch.from <= reached) {
        reached = Math.max(reached, stretch.to);
      }
    }
    return reached >= to;
  }

  /** Whether they were away all the time. */
  isOut(from: number, to: number): boolean {
    return !this.maybe.some((stretch) => stretch.from <= to && stretch.to >= from);
  }

  private read(tab: ClientInfo, truth: GhostTruth): void {
    const entries = truth.entriesOf.get(tab.name) ?? [];
    for (const [index, entry] of entries.entries()) {
      if ('ask' in entry && entry.ask === 'enter' && !isRefused(truth.answers.get(entry.n))) {
        const answer = truth.answers.get(entry.n);
        const after = entries.slice(index + 1);
        const end = after.find(endsPlace);
        const rivals = answer?.answer === 'entered' ? truth.rivalsAfter(tab, answer) : [];
        const taken = rivals.map(({ entered }) => entered?.n ?? Infinity);
        this.maybe.push({ from: entry.n, to: Math.min(...taken, this.gone(end, truth)) });
        if (answer?.answer === 'entered') {
          const mayBeTaken = rivals.map(({ ask, entered }) => entered?.n ?? ask.n);
          this.surely.push({ from: answer.n, to: Math.min(...mayBeTaken, this.stands(end, truth)) });
        }
      }
    }
  }

  private stands(end: Entry | undefined, truth: GhostTruth): number {
    const isStranded = end && 'told' in end && end.told === 'stranded';
    return isStranded ? truth.numberAt(end.at + STANDS_MS) : (end?.n ?? Infinity);
  }

  /** From when a place that ended like this is certainly nobody's. */
  private gone(end: Entry | undefined, truth: GhostTruth): number {
    if (end && 'ask' in end) {
      const answer = truth.answers.get(end.n);
      return answer?.answer === 'done' ? answer.n : truth.numberAt(end.at + FALLEN_MS);
    }
    const isStranded = end && 'told' in end && end.told === 'stranded';
    return end
      ? truth.numberAt(end.at + (isStranded ? FALLEN_MS : truth.times.tellMs + truth.slowness.at(end.at)))
      : Infinity;
  }
}

/** Who was in which room when. */
export class Presences {
  private readonly of = new Map<string, Presence>();

  constructor(private readonly truth: GhostTruth) {
    for (const { roomId, userId } of truth.history.clients) {
      const tabs = truth.clientsIn(roomId).filter((info) => info.userId === userId);
      this.of.set(`${roomId} ${userId}`, new Presence(tabs, truth));
    }
  }

  isIn(roomId: string, agentId: string, from: number, to: number): boolean {
    return this.of.get(`${roomId} ${agentId}`)?.isIn(from, to) === true;
  }

  isOut(roomId: string, agentId: string, from: number, to: number): boolean {
    return this.of.get(`${roomId} ${agentId}`)?.isOut(from, to) !== false;
  }

  /** Names of a room but one. */
  others(roomId: string, agentId: string): string[] {
    const names = this.truth.clientsIn(roomId).map(({ userId }) => userId);
    return [...new Set(names)].filter((name) => name !== agentId);
  }
}

/** Who comes and goes is told to who is there, once each, and nothing of those who only change their connection. */
export function checkPresence(truth: GhostTruth, presences: Presences, report: Report): void {
  truth.spans.forEach((span) => checkSpan(span, truth, presences, report));
}

function checkSpan(span: Span, truth: GhostTruth, presences: Presences, report: Report): void {
  const { info, from } = span;
  const { roomId, userId } = info;
  let present = new Set(from.participants);
  let floor = from.to.n;
  const wrong = (entry: Entry, what: string): void => report.add('presence', entry, what);
  const compare = (entry: Entry, since: number): void => {
    for (const other of presences.others(roomId, userId)) {
      if (!present.has(other) && presences.isIn(roomId, other, since, entry.n)) {
        wrong(entry, `${other} is there, and this one does not know it`);
      } else if (present.has(other) && presences.isOut(roomId, other, since, entry.n)) {
        wrong(entry, `${other} is gone, and this one does not know it`);
      }
    }
  };
  for (const entry of span.entries) {
    if ('told' in entry && entry.told === 'came') {
      if (present.has(entry.agentId) || entry.agentId === userId) {
        wrong(entry, `${entry.agentId} is told to come, and was there`);
      } else if (presences.isOut(roomId, entry.agentId, floor, entry.n)) {
        wrong(entry, `${entry.agentId} is told to come, and did not`);
      }
      present.add(entry.agentId);
    } else if ('told' in entry && entry.told === 'went') {
      if (!present.delete(entry.agentId)) {
        wrong(entry, `${entry.agentId} is told to go, and was not there`);
      } else if (presences.isIn(roomId, entry.agentId, floor, truth.numberAt(entry.at + truth.fanOutMs(entry.at)))) {
        // Whose connection ends notices that later than the server, maybe.
        wrong(entry, `${entry.agentId} is told to go, and did not`);
      }
    } else if ('answer' in entry && entry.answer === 'entered') {
      present = new Set(entry.participants);
      if (!present.has(userId)) {
        wrong(entry, 'this one is not among the participants');
      }
      compare(entry, entry.to.n);
    } else if (isAnswered(entry)) {
      compare(entry, truth.numberAt(entry.to.at - truth.fanOutMs(entry.to.at)));
    }
    if (isAnswered(entry)) {
      floor = Math.max(floor, entry.to.n);
    }
  }
}
