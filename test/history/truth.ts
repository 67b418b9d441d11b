import { Changes } from './changes';
import { Epochs } from './epochs';
import type { AnswerEntry, AskEntry, ClientInfo, Entry, History, Mode, Shown } from './log';
import { rank } from './log';
import { type Cause, causesOf, type Deadline } from './moved-deadlines';
import { RoomCopy } from './room-copy';
import { Slowness } from './slowness';
import type { Report } from './violations';

/** A message as all the logs together tell it. */
export interface Known {
  readonly id: string;
  readonly seq: number;
  readonly senderId: string;
  /** Tombstones do not tell it. */
  clientId: string | undefined;
  readonly system: boolean;
  mode: Mode;
  /** What it was shown to have, each sooner than the one before. */
  readonly deadlines: [Deadline, ...Deadline[]];
  /** Epoch ms; undefined where only its sender's ack tells of it. */
  createdAt: number | undefined;
  /** The first entry that shows that it was stored. */
  readonly first: Entry;
  /** The counting of the room that its seq belongs to; undefined where no log tells. */
  epoch: string | undefined;
  /** Of its status, in order. */
  readonly rises: Rise[];
}

type Facts = Pick<Known, 'id' | 'seq' | 'senderId' | 'clientId' | 'system' | 'createdAt'> & {
  readonly expiresAt: number;
};

/** A rank of a status and the number of the first entry that shows it. */
interface Rise {
  readonly n: number;
  readonly rank: number;
}

/** Clocks of one machine that are further apart than this are a fault of the service, ms. */
const MAX_SKEW_MS = 250;

/** What happened, put together from what everyone saw. */
export class Truth {
  readonly messages = new Map<string, Known>();
  readonly epochs: Epochs;
  readonly changes: Changes;
  readonly slowness: Slowness;
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
  /** When the countdown of who revealed a message ends, epoch ms, by message and user. */
  private readonly revealed = new Map<string, number>();
  private readonly causes = new Map<string, Cause[]>();

  constructor(
    readonly history: History,
    private readonly report: Report,
    /** How long a message stays from its reveal, ms; undefined: that is not known. */
    readonly burnDelayMs?: number,
  ) {
    this.epochs = new Epochs(report);
    this.changes = new Changes(history.entries);
    this.slowness = new Slowness(history.entries);
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
    for (const answer of this.answers.values()) {
      const known = answer.answer === 'sent' ? this.messages.get(answer.sent.id) : undefined;
      if (known && known.epoch === undefined) {
        this.epochs.placeSent(known, answer, history.entries);
      }
    }
    if (this.skew > MAX_SKEW_MS) {
      report.add('clock', history.entries[0], `a clock of the service is ${Math.round(this.skew)} ms off`);
    }
    this.skew += 2;
  }

  /** The deadline of a message after all its moves, as far as the logs tell, epoch ms. */
  deadlineOf({ id }: { id: string }): number {
    return this.messages.get(id)?.deadlines.at(-1)?.expiresAt ?? NaN;
  }

  /** Whether a message was certainly expired at a time of the workload's clock, for whom it is shown to. */
  expiredBy(message: { id: string }, at: number, userId?: string): boolean {
    const revealed = this.revealed.get(`${message.id} ${userId}`) ?? Infinity;
    return Math.min(this.deadlineOf(message), revealed) + this.skew <= at;
  }

  /** Whether a message was certainly not expired yet: by nothing that may have moved its deadline either. */
  aliveAt(message: { id: string }, at: number): boolean {
    const known = this.messages.get(message.id);
    const moved = known ? this.causesOf(known).map(({ ask, afterMs }) => ask.at + (afterMs ?? 0)) : [];
    return Math.min(this.deadlineOf(message), ...moved) - this.skew > at;
  }

  /** What may have moved the deadline of a message, in the order in which it was asked for. */
  causesOf(known: Known): readonly Cause[] {
    let causes = this.causes.get(known.id);
    if (!causes) {
      causes = causesOf(known, this);
      this.causes.set(known.id, causes);
    }
    return causes;
  }

  /** The last rise of a message's status that anybody had seen before an entry. */
  riseBefore(id: string, n: number): Rise | undefined {
    return this.messages.get(id)?.rises.findLast((rise) => rise.n < n);
  }

  /** By what somebody first tried to send a message; undefined of system messages. */
  askOf({ senderId, clientId }: Pick<Known, 'senderId' | 'clientId'>): AskEntry | undefined {
    return clientId === undefined ? undefined : this.firstAsk.get(`${senderId} ${clientId}`);
  }

  /** A client by its name. @throws Error where there is none */
  infoFor(name: string): ClientInfo {
    const info = this.infoOf.get(name);
    if (!info) {
      throw new Error(`There is no client ${name}`);
    }
    return info;
  }

  /** Clients of a room. */
  clientsIn(roomId: string): string[] {
    return this.history.clients.flatMap((info) => (info.roomId === roomId ? info.name : []));
  }

  /** The room of the client that wrote an entry. */
  roomOf({ client }: { client: string }): string {
    return this.infoOf.get(client)?.roomId ?? '';
  }

  /** The user of the client that wrote an entry. */
  userOf({ client }: { client: string }): string {
    return this.infoOf.get(client)?.userId ?? '';
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
      case 'closed':
      case 'kicked':
        return this.epochs.begin(entry, undefined);
      case 'new':
      case 'edited':
        return this.learn(entry.message, entry, this.epochs.of(entry.client));
      case 'status':
        if ('messageId' in entry.range) {
          this.rise(entry.range.messageId, rank(entry.status), entry.n);
          this.bringCloser(entry.range.messageId, entry.expiresAt ?? Infinity, entry);
        }
        return;
      case 'disconnect':
      case 'expired':
      case 'deleted':
      case 'foreign':
        return;
    }
  }

  private readAnswer(entry: AnswerEntry): void {
    if (entry.answer === 'joined') {
      const { epoch, messages, changed, serverTime } = entry.joined;
      this.readClock(Date.parse(serverTime), entry);
      if (this.epochs.of(entry.client) !== epoch) {
        this.epochs.begin(entry, epoch);
      }
      [...messages, ...changed].forEach((message) => this.learn(message, entry, epoch));
      this.epochs.stands(epoch, entry);
    } else if (entry.answer === 'revealed') {
      this.learn(entry.message, entry, undefined);
      this.revealed.set(`${entry.message.id} ${this.userOf(entry)}`, entry.expiresAt);
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
      this.epochs.place(known, epoch, entry);
    }
  }

  private know(told: Facts, entry: Entry): Known {
    const known = this.messages.get(told.id);
    if (!known) {
      const { id, seq, senderId, clientId, system, expiresAt, createdAt } = told;
      const mode = this.modeOf(told);
      const common = { id, seq, senderId, clientId, system, mode, createdAt, first: entry };
      const fresh: Known = { ...common, deadlines: [{ expiresAt, entry }], epoch: undefined, rises: [] };
      this.messages.set(id, fresh);
      this.messagesIn.get(this.roomOf(entry))?.push(fresh);
      return fresh;
    }
    if (known.clientId === undefined && told.clientId !== undefined) {
      [known.clientId, known.mode] = [told.clientId, this.modeOf(told)];
    }
    const isPlain = known.mode === 'plain' && (known.system || known.clientId !== undefined);
    if (isPlain && told.expiresAt !== this.deadlineOf(known)) {
      this.report.add('deadline', entry, `that of ${told.id} has moved, and nothing moves it`);
    }
    this.bringCloser(told.id, told.expiresAt, entry);
    for (const field of ['seq', 'senderId', 'clientId', 'createdAt'] as const) {
      if (known[field] !== told[field] && known[field] !== undefined && told[field] !== undefined) {
        const [first, now] = [String(known[field]), String(told[field])];
        this.report.add('corrupt', entry, `${field} of ${told.id} was ${first} and is ${now}`);
      }
    }
    known.createdAt ??= told.createdAt;
    return known;
  }

  private modeOf(facts: Pick<Known, 'senderId' | 'clientId'>): Mode {
    const ask = this.askOf(facts);
    return ask?.ask === 'send' ? ask.mode : 'plain';
  }

  private bringCloser(id: string, expiresAt: number, entry: Entry): void {
    const known = this.messages.get(id);
    if (known && expiresAt < this.deadlineOf(known)) {
      known.deadlines.push({ expiresAt, entry });
    }
  }

  private rise(id: string, to: number, n: number): void {
    const rises = this.messages.get(id)?.rises;
    if (rises && to > (rises.at(-1)?.rank ?? 0)) {
      rises.push({ n, rank: to });
    }
  }
}
