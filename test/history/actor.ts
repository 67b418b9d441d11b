import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryClient, Node } from './client';
import type { Held } from './room-copy';
import type { Random } from './random';

/** Longest and shortest time a client thinks between two actions, ms. */
const THINK_MS = [5, 120] as const;
/** Sends of a user that may still be repeated. */
const REMEMBERED_SENDS = 30;

/** What a client does next, by weight. */
const ACTIONS = {
  send: 30,
  burst: 3,
  repeat: 7,
  raise: 14,
  drop: 6,
  rejoin: 5,
  leave: 3,
  page: 4,
  list: 2,
  settle: 4,
  pause: 2,
  idle: 3,
  configure: 0.3,
};

/** How a client goes on after it has connected, by weight. */
const RETURNS = { resume: 75, join: 10, listen: 8, repeatFirst: 7 };

/** Something that a user sent, and sends again. */
interface Sent {
  readonly key: string;
  readonly ttl: number | undefined;
  acked: boolean;
}

/** What the tabs of one user share: what the user sent. */
export class Sender {
  private readonly sent: Sent[] = [];
  private count = 0;

  constructor(
    private readonly userId: string,
    private readonly random: Random,
  ) {}

  /** A message that was never sent. */
  create(ttl: number | undefined): Sent {
    const sent = { key: `${this.userId.slice(0, 6)}.${++this.count}`, ttl, acked: false };
    this.sent.push(sent);
    if (this.sent.length > REMEMBERED_SENDS) {
      this.sent.shift();
    }
    return sent;
  }

  /** One that was sent before, rather one without an ack; undefined: there is none. */
  repeatable(): Sent | undefined {
    const open = this.sent.filter(({ acked }) => !acked);
    return this.random.pick(open.length > 0 && this.random.chance(0.7) ? open : this.sent);
  }
}

/** One tab that does at random what clients do, well and badly. */
export class Actor {
  private held: Promise<void> | undefined;

  constructor(
    readonly client: HistoryClient,
    private readonly sender: Sender,
    private readonly random: Random,
    private readonly nodes: () => readonly Node[],
    /** How much faster than usual it thinks. */
    private readonly pace: number,
  ) {}

  /** Acts until `over`. */
  async run(over: () => boolean): Promise<void> {
    while (!over()) {
      if (this.held) {
        await this.held;
      } else if (!this.client.connected) {
        await this.comeBack();
      } else {
        await this.act();
      }
      await sleep(this.random.int(...THINK_MS) / this.pace);
    }
  }

  /** Does nothing of its own, after what it is at, until the function that this gives is called. */
  hold(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => (release = resolve));
    return () => {
      this.held = undefined;
      release();
    };
  }

  /** True once it is connected to some node. */
  async connect(): Promise<boolean> {
    const node = this.random.pick(this.nodes());
    return (
      node !== undefined &&
      this.client.connect(node, this.random.chance(0.2) ? ['polling', 'websocket'] : ['websocket'])
    );
  }

  async send(ttl: number | undefined = this.ttl()): Promise<void> {
    const sent = this.sender.create(ttl);
    sent.acked = (await this.client.send(sent.key, sent.ttl)) || sent.acked;
  }

  private async comeBack(): Promise<void> {
    await sleep(this.random.chance(0.5) ? 0 : this.random.int(0, 2500) / this.pace);
    if (!(await this.connect())) {
      return;
    }
    const way = this.random.weighted(RETURNS);
    if (way === 'repeatFirst') {
      await this.repeat();
    }
    if (way !== 'listen') {
      await this.client.join(way !== 'join');
    }
  }

  private async act(): Promise<void> {
    switch (this.random.weighted(ACTIONS)) {
      case 'send':
        return this.send();
      case 'burst':
        await Promise.all(Array.from({ length: this.random.int(2, 8) }, () => this.send()));
        return;
      case 'repeat':
        return this.repeat();
      case 'raise':
        return this.raise();
      case 'drop':
        return this.drop();
      case 'rejoin':
        await this.client.join(this.random.chance(0.7));
        return;
      case 'leave':
        return this.leave();
      case 'page':
        return this.client.page();
      case 'list':
        return this.client.list();
      case 'settle':
        return this.client.settle();
      case 'pause':
        return this.pause();
      case 'idle':
        await sleep(this.random.int(200, 2000) / this.pace);
        return;
      case 'configure':
        return this.client.configure(this.random.int(20, 60));
    }
  }

  /** Sends what was sent before once more; sometimes twice at once. */
  private async repeat(): Promise<void> {
    const sent = this.sender.repeatable();
    if (sent) {
      const times = this.random.chance(0.2) ? 2 : 1;
      const acks = await Promise.all(Array.from({ length: times }, () => this.client.send(sent.key, sent.ttl)));
      sent.acked ||= acks.includes(true);
    }
  }

  private async raise(): Promise<void> {
    const { info, copy } = this.client;
    const others = [...copy.held.values()].filter(({ message }) => message.senderId !== info.userId);
    const held: Held | undefined = this.random.pick(others.slice(-20));
    if (held) {
      const { id, seq } = held.message;
      const range = this.random.chance(0.6) ? { messageId: id } : { upToSeq: seq };
      await this.client.raise(range, this.random.chance(0.5) ? 'delivered' : 'seen');
    }
  }

  /** Goes away in the middle of something, as often as not. */
  private async drop(): Promise<void> {
    const sending = this.random.chance(0.5) ? this.send() : undefined;
    if (this.random.chance(0.3)) {
      await sleep(this.random.int(0, 3));
    }
    await this.client.drop();
    await sending;
  }

  private async leave(): Promise<void> {
    await this.client.leave();
    await sleep(this.random.int(50, 1500) / this.pace);
    if (this.random.chance(0.6)) {
      await this.client.join(this.random.chance(0.7));
    } else {
      await this.send();
    }
  }

  private async pause(): Promise<void> {
    const resume = this.client.pause();
    await sleep(this.random.int(300, 2000));
    resume?.();
  }

  /** Seconds; undefined: the room's. */
  private ttl(): number | undefined {
    return this.random.chance(0.45)
      ? this.random.int(1, 5)
      : this.random.chance(0.2)
        ? undefined
        : this.random.int(20, 90);
  }
}
