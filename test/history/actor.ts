import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryClient } from './client';
import type { Node } from './tab';
import type { Mode, Shown } from './log';
import type { Random } from './random';
import type { Held } from './room-copy';
import type { Reveal, Sender } from './sender';

/** Longest and shortest time a client thinks between two actions, ms. */
const THINK_MS = [5, 120] as const;
/** What a client does next, by weight. */
const ACTIONS = {
  send: 30,
  burst: 3,
  repeat: 7,
  raise: 14,
  reveal: 12,
  edit: 6,
  remove: 3,
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

/** How much of what is sent answers something. */
const REPLIES = 0.2;
/** Modes of what is sent, by weight. */
const SENT_MODES: Record<Mode, number> = { plain: 70, burn: 18, seen: 12 };

const GROUP_MODES: Record<Mode, number> = { plain: 80, burn: 20, seen: 0 };

/** How a client goes on after it has connected, by weight. */
const RETURNS = { resume: 75, join: 10, listen: 8, repeatFirst: 7 };

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

  async send(mode: Mode = this.mode(), ttl: number | undefined = this.ttl(mode)): Promise<void> {
    const sent = this.sender.create(ttl, mode, this.random.chance(REPLIES) ? this.quotable() : undefined);
    sent.acked = (await this.client.send(sent)) || sent.acked;
  }

  private mode(): Mode {
    return this.random.weighted(this.client.info.isGroup ? GROUP_MODES : SENT_MODES);
  }

  /** Something to ask for: the text of a burn message that the client holds, or one that was asked for before. */
  planReveal(): Reveal | undefined {
    const held = [...this.client.copy.held.values()].filter(({ message }) => message.concealed);
    const messageId = this.random.pick(held.slice(-10))?.message.id;
    const again = messageId === undefined || this.random.chance(0.3);
    return again ? this.sender.repeatedReveal() : this.sender.createReveal(messageId);
  }

  /** Asks for the text of a burn message, by socket or REST; sometimes twice at once. */
  async reveal(reveal = this.planReveal()): Promise<void> {
    if (reveal) {
      const times = this.random.chance(0.3) ? 2 : 1;
      await Promise.all(
        Array.from({ length: times }, () =>
          this.random.chance(0.7)
            ? this.client.reveal(reveal.messageId, reveal.revealId)
            : this.client.revealByRest(reveal.messageId, reveal.revealId),
        ),
      );
    }
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
      case 'reveal':
        return this.reveal();
      case 'edit':
        return this.edit();
      case 'remove':
        return this.remove();
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
        return this.client.info.isGroup ? undefined : this.client.configure(this.random.int(20, 60));
    }
  }

  /** Sends what was sent before once more; sometimes twice at once. */
  private async repeat(): Promise<void> {
    const sent = this.sender.repeatable();
    if (sent) {
      const times = this.random.chance(0.2) ? 2 : 1;
      const acks = await Promise.all(Array.from({ length: times }, () => this.client.send(sent)));
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

  /** Sometimes twice at once. */
  private async edit(): Promise<void> {
    const message = this.own(({ burn }) => !burn);
    if (message) {
      const times = this.random.chance(0.3) ? 2 : 1;
      await Promise.all(
        Array.from({ length: times }, () =>
          this.client.edit(message, this.sender.nextVersion(), this.random.chance(0.3)),
        ),
      );
    }
  }

  private async remove(): Promise<void> {
    const message = this.own(() => true);
    if (message) {
      await this.client.remove(message.id, this.random.chance(0.3));
    }
  }

  /** A message that the client holds, of whomever. */
  private quotable(): string | undefined {
    return this.random.pick([...this.client.copy.held.values()].slice(-10))?.message.id;
  }

  /** A message of the user's that the client holds. */
  private own(matches: (message: Shown) => boolean): Shown | undefined {
    const { info, copy } = this.client;
    const own = [...copy.held.values()].map(({ message }) => message);
    const texts = own.filter(({ senderId, type }) => senderId === info.userId && type === 'text');
    return this.random.pick(texts.filter(matches).slice(-20));
  }

  /** Goes away in the middle of something, as often as not. */
  private async drop(): Promise<void> {
    const sending = this.random.chance(0.5) ? this.send() : this.random.chance(0.3) ? this.reveal() : undefined;
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
  private ttl(mode: Mode): number | undefined {
    if (mode === 'seen') {
      return this.random.int(1, 4);
    }
    return this.random.chance(0.45)
      ? this.random.int(1, 5)
      : this.random.chance(0.2)
        ? undefined
        : this.random.int(20, 90);
  }
}
