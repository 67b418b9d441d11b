import { type AnswerEntry, type Entry, type Shown, shownBy, type ToldEntry } from '../log';
import type { Kick } from '../memberships';
import type { Known } from '../truth';
import type { Slowness } from '../slowness';
import type { Report } from '../violations';

/** How long a message may take from the first sign of it to the last of the sockets, ms. */
const FAN_OUT_MS = 1500;

/** A time in which a connection was certainly to be told of every message. */
export class Stretch {
  to: Entry;
  /** What was stored before, epoch ms, has certainly been told. */
  heardUntil = -Infinity;
  private readonly ids = new Set<string>();
  private readonly acks: AnswerEntry[] = [];
  /** What was told of a message after it came, by its id. */
  private readonly about = new Map<string, ToldEntry[]>();
  private lastClosing = 0;

  constructor(
    readonly from: Entry,
    private readonly slowness: Slowness,
  ) {
    this.to = from;
  }

  /** Whether a message was told, or accounted for by a join ack. */
  heard({ id, seq, epoch, first }: Known): boolean {
    const covered = (entry: AnswerEntry): boolean => {
      if (entry.answer !== 'joined') {
        return false;
      }
      const { joined } = entry;
      // One that says `more` keeps what is behind it for the next join, which may never have come.
      return (joined.epoch === epoch && joined.lastSeq >= seq) || (joined.more && entry.n > first.n);
    };
    return this.ids.has(id) || this.acks.some(covered);
  }

  /**
   * Whether a change of a message that an entry is the first to show was told: as `tells` recognises it, by a join ack that
   * shows it as `shows` does, by one that was asked for later, or by the end of the room.
   */
  heardChange(
    { id }: Known,
    entry: Entry,
    tells: (told: ToldEntry) => boolean,
    shows: (message: Shown) => boolean,
  ): boolean {
    const covers = (ack: AnswerEntry): boolean =>
      ack.answer === 'joined' &&
      (ack.to.n > entry.n ||
        (ack.joined.more && ack.n > entry.n) ||
        shownBy(ack).some((message) => message.id === id && shows(message)));
    return this.lastClosing > entry.n || this.about.get(id)?.some(tells) === true || this.acks.some(covers);
  }

  /** Whether it was told that a message is gone. */
  heardEnd({ id }: Known): boolean {
    return this.about.get(id)?.some(({ told }) => told === 'expired') === true;
  }

  add(entry: Entry): void {
    this.to = entry;
    if ('told' in entry) {
      if (entry.told === 'new') {
        this.ids.add(entry.message.id);
      } else if (entry.told === 'closed') {
        this.lastClosing = entry.n;
      }
      idsIn(entry).forEach((id) => this.about.set(id, [...(this.about.get(id) ?? []), entry]));
    } else if ('answer' in entry) {
      if (entry.answer === 'joined') {
        this.acks.push(entry);
        entry.joined.messages.forEach(({ id }) => this.ids.add(id));
      }
      // Whatever the server wrote before it took this request came before its ack.
      const answered =
        !('call' in entry.to) && (entry.answer !== 'refused' || !['timeout', 'gone'].includes(entry.code));
      if (answered) {
        this.heardUntil = Math.max(this.heardUntil, entry.to.at - FAN_OUT_MS - this.slowness.at(entry.to.at));
      }
    }
  }
}

/** Messages that an event is about, but the one that tells of a new one. */
function idsIn(entry: ToldEntry): readonly string[] {
  if (entry.told === 'status' && 'messageId' in entry.range) {
    return [entry.range.messageId];
  }
  if (entry.told === 'edited') {
    return [entry.message.id];
  }
  return entry.told === 'deleted' ? [entry.messageId] : entry.told === 'expired' ? entry.ids : [];
}

/** By client. */
export type Stretches = ReadonlyMap<string, readonly Stretch[]>;

interface StretchContext {
  readonly isGroup: boolean;
  readonly kicks: readonly Kick[];
  readonly slowness: Slowness;
}

/** The stretches of a client, over all its connections. Reports what is told to one that has left. */
export function listeningStretches(
  entries: readonly Entry[],
  { isGroup, kicks, slowness }: StretchContext,
  report: Report,
): Stretch[] {
  const stretches: Stretch[] = [];
  let current: Stretch | undefined;
  /** `out` from the ack of a leave to the next join or send; `unsure` while either is under way. */
  let audience: 'in' | 'out' | 'unsure' = 'unsure';
  let lastBack = 0;
  let leave: Entry | undefined;
  /** Whether the room certainly stood when the leave was asked for. */
  let stood = false;
  /** Whether the room stands, as far as this connection can know: to leave one that does not is without effect. */
  let stands = false;
  const begin = (entry: Entry): void => {
    audience = 'in';
    if (!current) {
      current = new Stretch(entry, slowness);
      stretches.push(current);
    }
  };
  let kicked = 0;
  for (const entry of entries) {
    for (let kick = kicks[kicked]; kick && kick.from < entry.n; kick = kicks[++kicked]) {
      current = undefined;
      audience = 'unsure';
    }
    current?.add(entry);
    if ('told' in entry) {
      stands = entry.told === 'new' || (stands && entry.told !== 'connect' && entry.told !== 'closed');
      if (isGroup && (entry.told === 'connect' || entry.told === 'kicked')) {
        [current, audience] = [undefined, 'unsure'];
      } else if (entry.told === 'connect' || (entry.told === 'closed' && !leave)) {
        // A room that is opened again has forgotten who left it.
        lastBack = entry.n;
        begin(entry);
      } else if (entry.told === 'closed') {
        // Whether the leave was of the old room or is of the next one is not known.
        lastBack = entry.n;
      } else if (entry.told === 'disconnect') {
        current = undefined;
        audience = 'unsure';
      } else if (entry.told === 'new' && audience === 'out') {
        report.add('after-leave', entry, `seq ${entry.message.seq}`);
      }
    } else if ('ask' in entry) {
      if (entry.ask === 'leave') {
        leave = entry;
        stood = stands;
        current = undefined;
        audience = 'unsure';
      } else if (entry.ask === 'join' || entry.ask === 'send') {
        lastBack = entry.n;
        audience = audience === 'out' ? 'unsure' : audience;
      }
    } else if (entry.to === leave) {
      audience = entry.answer === 'done' && stood && lastBack < entry.to.n ? 'out' : audience;
      leave = undefined;
    } else if (entry.answer === 'joined' || entry.answer === 'sent') {
      stands = true;
      const isKicked = kicks.some(({ from, to }) => from < entry.n && entry.to.n < to);
      if (!leave && !isKicked && lastBack === entry.to.n) {
        begin(entry);
      }
    }
  }
  return stretches;
}
