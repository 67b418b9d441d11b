import type { Mode } from './log';
import type { Random } from './random';

/** Sends of a user that may still be repeated, and reveals. */
const REMEMBERED_SENDS = 30;
const REMEMBERED_REVEALS = 6;

/** Something that a user sent, and sends again. */
interface Sent {
  readonly key: string;
  readonly ttl: number | undefined;
  readonly mode: Mode;
  readonly replyTo?: string;
  acked: boolean;
}

/** A text that a user asked for, and asks for again. */
export interface Reveal {
  readonly messageId: string;
  readonly revealId: string | undefined;
}

/** What the tabs of one user share: what the user sent and revealed. */
export class Sender {
  private readonly sent: Sent[] = [];
  private readonly reveals: Reveal[] = [];
  private count = 0;

  constructor(
    private readonly userId: string,
    private readonly random: Random,
  ) {}

  /** A message that was never sent. */
  create(ttl: number | undefined, mode: Mode, replyTo: string | undefined): Sent {
    const key = `${this.userId.slice(0, 6)}.${++this.count}`;
    const sent = { key, ttl, mode, ...(replyTo !== undefined && { replyTo }), acked: false };
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

  nextVersion(): number {
    return ++this.count;
  }

  /** A first reveal of a message, mostly one that a repeat of is recognised. */
  createReveal(messageId: string): Reveal {
    const reveal = { messageId, revealId: this.random.chance(0.7) ? `r${++this.count}` : undefined };
    this.reveals.push(reveal);
    if (this.reveals.length > REMEMBERED_REVEALS) {
      this.reveals.shift();
    }
    return reveal;
  }

  /** One of the last reveals, as it was or with another id; undefined: there is none. */
  repeatedReveal(): Reveal | undefined {
    const reveal = this.random.pick(this.reveals);
    return reveal && (this.random.chance(0.8) ? reveal : { ...reveal, revealId: `r${++this.count}` });
  }
}
