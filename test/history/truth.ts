import type { AnswerEntry, AskEntry, ClientInfo, Entry, History, Shown } from './log';
import { rank } from './log';
import { RoomCopy } from './room-copy';
import type { Report } from './violations';

/** A message as all the logs together tell it. */
export interface Known {
  readonly id: string;
  readonly seq: number;
  readonly senderId: string;
  readonly clientId: string | undefined;
  readonly system: boolean;
  readonly expiresAt: number;
  /** Epoch ms; undefined where only its sender's ack tells of it. */
  createdAt: number | undefined;
  /** The first entry that shows that it was stored. */
  readonly first: Entry;
  /** The counting of the room that its seq belongs to; undefined where no log tells. */
  epoch: string | undefined;
  /** Of its status, in order. */
  readonly rises: Rise[];
}

/** A rank of a status and the number of the first entry that shows it. */
interface Rise {
  readonly n: number;
  readonly rank: number;
}

/** A stretch of a connection within one epoch. */
interface Segment {
  epoch: string | undefined;
  /** When the room was last told to be closed on this client, n. */
  readonly from: number;
}

/** Clocks of one machine that are further apart than this are a fault of the service, ms. */
const MAX_SKEW_MS = 250;
/** An ack and the end of its room may overtake each other by this much, ms. */
const OVERTAKING_MS = 2000;

/** What happened, put together from what everyone saw. */
export class Truth {
  readonly messages = new Map<string, Known>();
  /** Messages by epoch and seq. */
  readonly epochs = new Map<string, Map<number, Known>>();
  readonly entriesOf = new Map<string, Entry[]>();
  readonly infoOf = new Map<string, ClientInfo>();
  /** Messages and asks by room. */
  readonly messagesIn = new Map<string, Known[]>();
  readonly asksIn = new Map<string, AskEntry[]>();
  /** Answers by number of the entry that asked. */
  readonly answers = new Map<number, AnswerEntry>();
  /** First ask of a send, by sender and `clientId`. */
  readonly firstAsk = new Map<string, AskEntry>();
  /** By how much the clocks of clients and service may differ, ms: what the acks' `serverTime` leaves open. */
  skew = 0;
  private readonly segmentsOf = new Map<string, Segment[]>();

  constructor(
    private readonly history: History,
    private readonly report: Report,
  ) {
    history.clients.forEach((info) => {
      this.infoOf.set(info.name, info);
      this.entriesOf.set(info.name, []);
      this.messagesIn.set(info.roomId, []);
      this.asksIn.set(info.roomId, []);
    });
    const copies = new Map(history.clients.map(({ name, userId }) => [name, new RoomCopy(userId)]));
    for (const entry of history.entries) {
      this.entriesOf.get(entry.client)?.push(entry);
      this.read(entry);
      copies.get(entry.client)?.apply(entry);
      this.readRaise(entry, copies.get(entry.client));
    }
    this.placeRest();
    this.checkClientIds();
    if (this.skew > MAX_SKEW_MS) {
      report.add('clock', history.entries[0], `a clock of the service is ${Math.round(this.skew)} ms off`);
    }
    this.skew += 2;
  }

  /** Whether a message was certainly expired at a time of the workload's clock. */
  expiredBy({ expiresAt }: { expiresAt: number }, at: number): boolean {
    return expiresAt + this.skew <= at;
  }

  /** Whether a message was certainly not expired yet. */
  aliveAt({ expiresAt }: { expiresAt: number }, at: number): boolean {
    return expiresAt - this.skew > at;
  }

  /** The last rise of a message's status that anybody had seen before an entry. */
  riseBefore(id: string, n: number): Rise | undefined {
    return this.messages.get(id)?.rises.findLast((rise) => rise.n < n);
  }

  /** Number of the entry by which somebody first tried to send a message; undefined of system messages. */
  askOf({ senderId, clientId }: Known): AskEntry | undefined {
    return clientId === undefined ? undefined : this.firstAsk.get(`${senderId} ${clientId}`);
  }

  /** The room of the client that wrote an entry. */
  roomOf({ client }: { client: string }): string {
    return this.infoOf.get(client)?.roomId ?? '';
  }

  private read(entry: Entry): void {
    if ('ask' in entry) {
      this.asksIn.get(this.roomOf(entry))?.push(entry);
      if (entry.ask === 'send') {
        const key = `${this.userOf(entry)} ${entry.key}`;
        if (!this.firstAsk.has(key)) {
          this.firstAsk.set(key, entry);
        }
      }
    } else if ('told' in entry) {
      this.readTold(entry);
    } else {
      this.answers.set(entry.to.n, entry);
      this.readAnswer(entry);
    }
  }

  private readTold(entry: Extract<Entry, { told: string }>): void {
    switch (entry.told) {
      case 'connect':
        return this.beginSegment(entry.client, undefined, entry.n);
      case 'closed':
        return this.beginSegment(entry.client, undefined, entry.n);
      case 'new':
        return this.learn(entry.message, entry, this.segment(entry.client)?.epoch);
      case 'status':
        return 'messageId' in entry.range ? this.rise(entry.range.messageId, rank(entry.status), entry.n) : undefined;
      case 'disconnect':
      case 'expired':
      case 'foreign':
        return;
    }
  }

  private readAnswer(entry: AnswerEntry): void {
    if (entry.answer === 'joined') {
      const { epoch, messages, changed, serverTime } = entry.joined;
      this.readClock(Date.parse(serverTime), entry);
      if (this.segment(entry.client)?.epoch !== epoch) {
        this.beginSegment(entry.client, epoch, entry.n);
      }
      [...messages, ...changed].forEach((message) => this.learn(message, entry, epoch));
      this.ofEpoch(epoch);
    } else if (entry.answer === 'page') {
      entry.messages.forEach((message) => this.learn(message, entry, undefined));
    } else if (entry.answer === 'sent' && entry.to.ask === 'send') {
      this.readClock(entry.serverTime, entry);
      const { id, seq, expiresAt } = entry.sent;
      const info = this.infoOf.get(entry.client);
      const known = { id, seq, expiresAt, senderId: info?.userId ?? '', clientId: entry.to.key, system: false };
      this.know({ ...known, createdAt: undefined }, entry);
    }
  }

  private readClock(serverTime: number, { to, at }: AnswerEntry): void {
    this.skew = Math.max(this.skew, to.at - serverTime - 1, serverTime - at);
  }

  private readRaise(entry: Entry, copy: RoomCopy | undefined): void {
    if ('answer' in entry && entry.answer === 'done' && entry.to.ask === 'raise') {
      for (const { message, status } of copy?.held.values() ?? []) {
        if (message.senderId !== this.userOf(entry) && this.messages.get(message.id)) {
          this.rise(message.id, rank(status), entry.n);
        }
      }
    }
  }

  private learn(message: Shown, entry: Entry, epoch: string | undefined): void {
    if (!message.intact) {
      this.report.add('corrupt', entry, `${message.id} has not the text that was sent`);
    }
    const known = this.know({ ...message, system: message.type === 'system' }, entry);
    this.rise(message.id, rank(message.status), entry.n);
    if (epoch !== undefined) {
      this.place(known, epoch, entry);
    }
  }

  private know(told: Omit<Known, 'first' | 'epoch' | 'rises'>, entry: Entry): Known {
    const known = this.messages.get(told.id);
    if (!known) {
      const { id, seq, senderId, clientId, system, expiresAt, createdAt } = told;
      const common = { id, seq, senderId, clientId, system, expiresAt, createdAt };
      const fresh = { ...common, first: entry, epoch: undefined, rises: [] };
      this.messages.set(id, fresh);
      this.messagesIn.get(this.roomOf(entry))?.push(fresh);
      return fresh;
    }
    for (const field of ['seq', 'senderId', 'clientId', 'expiresAt', 'createdAt'] as const) {
      if (known[field] !== told[field] && known[field] !== undefined && told[field] !== undefined) {
        const [first, now] = [String(known[field]), String(told[field])];
        this.report.add('corrupt', entry, `${field} of ${told.id} was ${first} and is ${now}`);
      }
    }
    known.createdAt ??= told.createdAt;
    return known;
  }

  private rise(id: string, to: number, n: number): void {
    const rises = this.messages.get(id)?.rises;
    if (rises && to > (rises.at(-1)?.rank ?? 0)) {
      rises.push({ n, rank: to });
    }
  }

  private place(known: Known, epoch: string, entry: Entry): void {
    known.epoch ??= epoch;
    if (known.epoch !== epoch) {
      this.report.add('corrupt', entry, `${known.id} is in two epochs, ${known.epoch} and ${epoch}`);
      return;
    }
    const bySeq = this.ofEpoch(epoch);
    const other = bySeq.get(known.seq);
    if (other && other.id !== known.id) {
      this.report.add('doubled', entry, `seq ${known.seq} is ${other.id} and ${known.id}`);
    }
    bySeq.set(known.seq, known);
  }

  /** Messages that only a sender's ack or a page told of: their epoch is that of the sender's connection, where sure. */
  private placeRest(): void {
    for (const answer of this.answers.values()) {
      const known = answer.answer === 'sent' ? this.messages.get(answer.sent.id) : undefined;
      if (!known || known.epoch !== undefined) {
        continue;
      }
      const segments = this.segmentsOf.get(answer.client) ?? [];
      const index = segments.findLastIndex(({ from }) => from <= answer.to.n);
      const next = this.history.entries[(segments[index + 1]?.from ?? Infinity) - 1];
      const epoch = segments[index]?.epoch;
      if (epoch !== undefined && (!next || next.at > answer.at + OVERTAKING_MS)) {
        this.place(known, epoch, answer);
      }
    }
  }

  private checkClientIds(): void {
    const ids = new Map<string, Known>();
    for (const known of this.messages.values()) {
      if (known.clientId === undefined || known.epoch === undefined) {
        continue;
      }
      const key = `${known.epoch} ${known.senderId} ${known.clientId}`;
      const first = ids.get(key);
      if (first) {
        const text = `clientId ${known.clientId} has ${first.id} (seq ${first.seq}) and ${known.id} (seq ${known.seq})`;
        this.report.add('doubled', known.first, text);
      }
      ids.set(key, known);
    }
  }

  private ofEpoch(epoch: string): Map<number, Known> {
    let bySeq = this.epochs.get(epoch);
    if (!bySeq) {
      bySeq = new Map();
      this.epochs.set(epoch, bySeq);
    }
    return bySeq;
  }

  private beginSegment(client: string, epoch: string | undefined, from: number): void {
    const segments = this.segmentsOf.get(client) ?? [];
    this.segmentsOf.set(client, segments);
    segments.push({ epoch, from });
  }

  private segment(client: string): Segment | undefined {
    return this.segmentsOf.get(client)?.at(-1);
  }

  private userOf({ client }: Entry): string {
    return this.infoOf.get(client)?.userId ?? '';
  }
}
