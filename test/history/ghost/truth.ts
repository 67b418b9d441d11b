import { type AnswerEntry, type AskEntry, type ClientInfo, type Entry, type GhostHistory, isRefused } from './log';
import { Slowness } from '../slowness';
import type { Report } from '../violations';
import type { Whisper } from './log';

export interface GhostTimes {
  /** How long after a deadline a client in the room may still hold a message, and after which who is gone is gone, ms. */
  readonly tellMs: number;
  readonly burnDelayMs: number;
}

/** A message as all logs together tell it. */
export interface Known extends Whisper {
  readonly roomId: string;
  /** By which it was sent; undefined: by nothing in the logs. */
  readonly ask: AskEntry | undefined;
  /** The first entry that shows that it was stored. */
  readonly first: Entry;
  /** `new-message` of it, in all logs. */
  readonly told: Entry[];
}

/** A time in which a client was certainly in its room and not replaced, on one connection. */
export interface Span {
  readonly info: ClientInfo;
  readonly from: AnswerEntry & { readonly answer: 'entered' };
  /** All entries of the client from then to the end of the span, in order. */
  readonly entries: Entry[];
  /** What was stored before, epoch ms, has certainly been told. */
  readonly heardUntil: number;
  /** Number of the entry that ended it; Infinity: none did. */
  readonly to: number;
}

/** Somebody who may have taken a place. */
interface Rival {
  readonly ask: AskEntry;
  /** Undefined: it may have, or not. */
  readonly entered: AnswerEntry | undefined;
}

/** How long an event may take to the last of the sockets, ms. */
export const FAN_OUT_MS = 1500;
/** Clocks of one machine, ms. */
export const SKEW_MS = 50;

/** What happened in anonymous rooms, put together from what everyone saw. */
export class GhostTruth {
  readonly messages = new Map<string, Known>();
  readonly entriesOf = new Map<string, Entry[]>();
  readonly answers = new Map<number, AnswerEntry>();
  readonly spans: Span[];
  readonly slowness: Slowness;
  private readonly infoOf = new Map<string, ClientInfo>();
  private readonly sends = new Map<string, AskEntry>();

  constructor(
    readonly history: GhostHistory,
    readonly times: GhostTimes,
    private readonly report: Report,
  ) {
    this.slowness = new Slowness(history.entries);
    history.clients.forEach((info) => {
      this.infoOf.set(info.name, info);
      this.entriesOf.set(info.name, []);
    });
    for (const entry of history.entries) {
      this.entriesOf.get(entry.client)?.push(entry);
      this.read(entry);
    }
    this.spans = history.clients.flatMap((info) => this.spansOf(info));
  }

  infoFor(name: string): ClientInfo {
    const info = this.infoOf.get(name);
    if (!info) {
      throw new Error(`There is no client ${name}`);
    }
    return info;
  }

  /** Everyone whose client is in a room by name, oneself included. */
  clientsIn(roomId: string): ClientInfo[] {
    return this.history.clients.filter((info) => info.roomId === roomId);
  }

  messagesIn(roomId: string): Known[] {
    return [...this.messages.values()].filter((known) => known.roomId === roomId);
  }

  /** How long an event may take to the last of the sockets at a time, ms. */
  fanOutMs(at: number): number {
    return FAN_OUT_MS + this.slowness.at(at);
  }

  /** Number of the first entry at a time or later; Infinity: none. */
  numberAt(at: number): number {
    const { entries } = this.history;
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle]?.at ?? Infinity) < at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < entries.length ? low + 1 : Infinity;
  }

  /** By what other sockets of the same name may have taken a client's place after an entry. */
  rivalsAfter({ name, userId, roomId }: ClientInfo, { n, conn }: Entry): Rival[] {
    const rivals = this.clientsIn(roomId).filter((info) => info.userId === userId);
    return rivals.flatMap((rival) =>
      (this.entriesOf.get(rival.name) ?? []).flatMap((ask) => {
        const answer = this.answers.get(ask.n);
        const isOther = rival.name !== name || ask.conn !== conn;
        const mayTake = 'ask' in ask && ask.ask === 'enter' && (answer?.n ?? Infinity) > n && !isRefused(answer);
        return isOther && mayTake ? { ask, entered: answer?.answer === 'entered' ? answer : undefined } : [];
      }),
    );
  }

  /** The time from which a message is certainly gone, epoch ms; Infinity: that is not known. */
  goneAt(known: Known): number {
    if (known.ttl > 0) {
      return known.createdAt + known.ttl * 1000 + SKEW_MS;
    }
    const others = known.told.filter((entry) => this.infoFor(entry.client).userId !== known.sender);
    return (others[0]?.at ?? Infinity) + this.times.burnDelayMs + this.fanOutMs(others[0]?.at ?? 0);
  }

  /** The time until which a message is certainly there, epoch ms. */
  aliveUntil({ ttl, createdAt, ask, first }: Known): number {
    return ttl > 0 ? createdAt + ttl * 1000 - SKEW_MS : (ask ?? first).at + this.times.burnDelayMs - SKEW_MS;
  }

  private read(entry: Entry): void {
    if ('ask' in entry) {
      if (entry.ask === 'send') {
        this.sends.set(entry.key, entry);
      }
    } else if ('told' in entry) {
      if (entry.told === 'new') {
        this.learn(entry.message, entry)?.told.push(entry);
      }
    } else {
      this.answers.set(entry.to.n, entry);
      if (entry.answer === 'page') {
        entry.messages.forEach((message) => this.learn(message, entry));
      } else if (entry.answer === 'sent' && entry.to.ask === 'send') {
        const { key, ttl } = entry.to;
        const { id, createdAt } = entry;
        this.learn({ id, key, sender: this.infoFor(entry.client).userId, createdAt, ttl }, entry);
      }
    }
  }

  private learn(message: Whisper, entry: Entry): Known | undefined {
    const { roomId } = this.infoFor(entry.client);
    const known = this.messages.get(message.id);
    const ask = message.key === undefined ? undefined : this.sends.get(message.key);
    if (!known) {
      const isSent =
        ask?.ask === 'send' && ask.ttl === message.ttl && this.infoFor(ask.client).userId === message.sender;
      if (!ask || !isSent || this.infoFor(ask.client).roomId !== roomId) {
        this.report.add('corrupt', entry, `${message.id} is nothing that anybody sent like this`);
      }
      const fresh = { ...message, roomId, ask, first: entry, told: [] };
      this.messages.set(message.id, fresh);
      return fresh;
    }
    for (const field of ['key', 'sender', 'createdAt', 'ttl'] as const) {
      if (known[field] !== message[field]) {
        this.report.add('corrupt', entry, `${field} of ${known.id} was ${known[field]} and is ${message[field]}`);
      }
    }
    return known;
  }

  private spansOf(info: ClientInfo): Span[] {
    const spans: Span[] = [];
    const entries = this.entriesOf.get(info.name) ?? [];
    for (const [index, entry] of entries.entries()) {
      const isInAlready = (spans.at(-1)?.to ?? 0) > entry.n;
      if (!('answer' in entry) || entry.answer !== 'entered' || isInAlready) {
        continue;
      }
      if (entries.slice(0, index).some((one) => one.n > entry.to.n && endsPlace(one))) {
        // It left before it was in.
        continue;
      }
      const rest = entries.slice(index);
      const end = rest.find((one) => endsPlace(one))?.n ?? Infinity;
      const to = Math.min(end, ...this.rivalsAfter(info, entry).map(({ ask }) => ask.n));
      const own = rest.filter(({ n }) => n < to);
      const answered = own.filter((one) => isAnswered(one)).map(({ to: ask }) => ask.at - this.fanOutMs(ask.at));
      spans.push({ info, from: entry, entries: own, to, heardUntil: Math.max(-Infinity, ...answered) });
    }
    return spans;
  }
}

/** Whether a client's place ends with this, as far as it does itself. */
export function endsPlace(entry: Entry): boolean {
  return 'told' in entry
    ? ['connect', 'disconnect', 'dropped', 'stranded'].includes(entry.told)
    : 'ask' in entry && entry.ask === 'leave';
}

/** An answer behind which comes nothing that was written before it was asked for. */
export function isAnswered(entry: Entry): entry is AnswerEntry {
  return (
    'answer' in entry &&
    !('call' in entry.to) &&
    !(entry.answer === 'refused' && ['timeout', 'gone'].includes(entry.code))
  );
}
