import { check, type CheckOptions } from './checker';
import { type AskEntry, HistoryLog, type JoinAck, type Point, type Range, type Shown, type Status } from './log';
import type { Kind } from './violations';

const ROOM = 'dm_alice_bob';
const START = Date.UTC(2030, 0, 1);
const LATENCY_MS = 5;
/** How long a message stays from its reveal, ms. */
export const BURN_DELAY_MS = 10_000;

/** A log made by hand: Alice with the tabs `a` and `a2`, Bob with `b`, in one room. */
export class Scene {
  readonly log: HistoryLog;
  private now = START;
  private readonly conns = new Map<string, number>();
  private readonly shown = new Map<number, Shown>();

  constructor() {
    this.log = new HistoryLog(() => this.now);
    for (const [name, userId] of Object.entries({ a: 'alice', a2: 'alice', b: 'bob' })) {
      this.log.addClient({ name, userId, roomId: ROOM, isGroup: false });
    }
  }

  /** What the checker finds. */
  kinds(options: CheckOptions = { burnDelayMs: BURN_DELAY_MS }): Kind[] {
    return [...new Set(check(this.log, options).violations.map(({ kind }) => kind))];
  }

  /** Epoch ms. */
  get time(): number {
    return this.now;
  }

  pass(ms: number): void {
    this.now += ms;
  }

  connect(...clients: string[]): void {
    for (const client of clients) {
      this.conns.set(client, this.conn(client) + 1);
      this.log.tell(client, this.conn(client), { told: 'connect', node: 0, socketId: client });
      this.pass(LATENCY_MS);
    }
  }

  disconnect(client: string): void {
    this.log.tell(client, this.conn(client), { told: 'disconnect', reason: 'transport close' });
  }

  /** A message of the room; from then on `seq` names it. */
  message(seq: number, more: Partial<Shown> = {}): Shown {
    const common = { id: `m${seq}`, seq, senderId: 'alice', type: 'text', status: 'sent' as const };
    const content = {
      quotes: undefined,
      preview: undefined,
      burn: false,
      concealed: false,
      open: true,
      version: 0,
      intact: true,
    };
    const times = { createdAt: this.now, expiresAt: this.now + 60_000 };
    const message = { ...common, ...content, clientId: `k${seq}`, ...times, ...more };
    this.shown.set(seq, message);
    return message;
  }

  /** What was sent as `seq`, as it looks with this status. */
  as(seq: number, status: Status = 'sent'): Shown {
    const message = this.shown.get(seq);
    if (!message) {
      throw new Error(`There is no message ${seq}`);
    }
    return { ...message, status };
  }

  /** What was sent as `seq` as a client is shown it: Bob gets what burns after reading concealed. */
  to(client: string, seq: number, more: Partial<Shown> = {}): Shown {
    const message = { ...this.as(seq), ...more };
    return message.burn && client === 'b' ? { ...message, concealed: true, open: false } : message;
  }

  /** A send that is acked, and told to these. */
  say(client: string, seq: number, to: readonly string[] = ['a', 'b'], more: Partial<Shown> = {}): void {
    const ask = this.log.ask(client, this.conn(client), {
      ask: 'send',
      key: more.clientId ?? `k${seq}`,
      ttl: undefined,
      mode: more.burn === true ? 'burn' : 'plain',
    });
    this.pass(1);
    const message = this.message(seq, { senderId: client === 'b' ? 'bob' : 'alice', ...more });
    this.tellNew(seq, ...to);
    const { id, expiresAt } = message;
    this.log.answer(ask, { answer: 'sent', sent: { id, seq, expiresAt, duplicate: false }, serverTime: this.now });
    this.pass(LATENCY_MS);
  }

  tellNew(seq: number, ...clients: string[]): void {
    clients.forEach((client) =>
      this.log.tell(client, this.conn(client), { told: 'new', message: this.to(client, seq) }),
    );
  }

  tellStatus(client: string, messageId: string, status: Status, expiresAt?: number): void {
    this.log.tell(client, this.conn(client), {
      told: 'status',
      range: { messageId },
      status,
      userId: 'bob',
      expiresAt,
    });
  }

  tellExpired(client: string, ids: readonly string[], reason = 'expired'): void {
    this.log.tell(client, this.conn(client), { told: 'expired', ids, reason });
  }

  tellClosed(client: string, reason = 'left'): void {
    this.log.tell(client, this.conn(client), { told: 'closed', reason });
  }

  join(client: string, ack: Partial<JoinAck> = {}, since?: number): void {
    const point = since === undefined ? undefined : { ...this.point(since), ...(ack.gap && { epoch: 'e0' }) };
    const ask = this.ask(client, point);
    const serverTime = new Date(this.now).toISOString();
    const common = {
      messages: [],
      changed: [],
      live: [],
      lastSeq: 0,
      epoch: 'e1',
      gap: false,
      more: false,
      serverTime,
    };
    this.log.answer(ask, { answer: 'joined', joined: { ...common, ...ack } });
    this.pass(LATENCY_MS);
  }

  /** A reveal that hands the message out, and moves its deadline for both. */
  reveal(client: string, seq: number, revealId?: string, expiresAt = this.now + BURN_DELAY_MS): void {
    const message = { ...this.as(seq, 'seen'), expiresAt };
    const ask = this.askReveal(client, seq, revealId);
    this.log.answer(ask, { answer: 'revealed', message, expiresAt });
    this.pass(LATENCY_MS);
  }

  /** An edit that is acked, and told to these. */
  edit(client: string, seq: number, version: number, to: readonly string[]): void {
    const ask = this.log.ask(client, this.conn(client), { ask: 'edit', messageId: this.as(seq).id, version });
    this.shown.set(seq, { ...this.as(seq), version });
    this.pass(1);
    to.forEach((one) => this.log.tell(one, this.conn(one), { told: 'edited', message: this.as(seq) }));
    this.log.answer(ask, { answer: 'done' });
    this.pass(LATENCY_MS);
  }

  /** A deletion that is acked, and told to these. From then on `seq` names its tombstone. */
  remove(client: string, seq: number, to: readonly string[]): void {
    const { id } = this.as(seq);
    const ask = this.log.ask(client, this.conn(client), { ask: 'remove', messageId: id });
    this.shown.set(seq, { ...this.as(seq), type: 'deleted', version: undefined });
    this.pass(1);
    to.forEach((one) => this.log.tell(one, this.conn(one), { told: 'deleted', messageId: id }));
    this.log.answer(ask, { answer: 'done' });
    this.pass(LATENCY_MS);
  }

  refuseReveal(client: string, seq: number, code: string): void {
    this.log.answer(this.askReveal(client, seq, undefined), { answer: 'refused', code });
    this.pass(LATENCY_MS);
  }

  raise(client: string, range: Range, status: Status): void {
    const ask = this.log.ask(client, this.conn(client), { ask: 'raise', range, status });
    this.log.answer(ask, { answer: 'done' });
    this.pass(LATENCY_MS);
  }

  /** A leave, with what comes between it and its ack. */
  leave(client: string, meanwhile: () => void = () => undefined): void {
    const ask = this.log.ask(client, this.conn(client), { ask: 'leave' });
    meanwhile();
    this.log.answer(ask, { answer: 'done' });
    this.pass(LATENCY_MS);
  }

  wipe(client: string): void {
    this.log.answer(this.log.ask(client, this.conn(client), { ask: 'delete', call: true }), { answer: 'done' });
    this.pass(LATENCY_MS);
  }

  settle(...clients: string[]): void {
    for (const client of clients) {
      this.log.answer(this.log.ask(client, this.conn(client), { ask: 'settle' }), { answer: 'done' });
      this.pass(LATENCY_MS);
    }
  }

  /** An ask whose ack the client waits for in vain. */
  giveUp(client: string): void {
    const ask = this.log.ask(client, this.conn(client), { ask: 'settle' });
    this.pass(15_000);
    this.log.answer(ask, { answer: 'refused', code: 'timeout' });
  }

  page(client: string, messages: readonly Shown[], final = false): void {
    const ask = this.log.ask(client, this.conn(client), { ask: 'page', call: true, final });
    this.log.answer(ask, { answer: 'page', messages, more: false });
    this.pass(LATENCY_MS);
  }

  private askReveal(client: string, seq: number, revealId: string | undefined): AskEntry {
    return this.log.ask(client, this.conn(client), { ask: 'reveal', messageId: this.as(seq).id, revealId });
  }

  private ask(client: string, point: Point | undefined): AskEntry {
    const ask = this.log.ask(client, this.conn(client), { ask: 'join', point });
    this.pass(1);
    return ask;
  }

  private point(since: number): Point {
    return { since, epoch: 'e1', sinceTime: new Date(START).toISOString() };
  }

  private conn(client: string): number {
    return this.conns.get(client) ?? 0;
  }
}

/** Two who are there, and a message of each that both were told of. */
export function story(): Scene {
  const scene = new Scene();
  scene.connect('a', 'b');
  scene.join('a');
  scene.join('b');
  scene.say('a', 1);
  scene.say('b', 2);
  return scene;
}
