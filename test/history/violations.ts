import type { Common } from './event-log';

/** What can be wrong with a history. */
export const KINDS = {
  lost: 'a message that was stored was not told to somebody who had to be told',
  doubled: 'one message twice: two ids of one send, two messages of one seq, or the same message twice on a connection',
  reordered: 'messages of a connection not in the order of seq',
  hole: 'a seq left out after a join ack that said what comes next',
  unaccounted: 'a join ack that contradicts itself, or tells that what is gone still stands',
  stale: 'an answer that does not know what was known before it was asked for',
  'after-expiry': 'a message served at or after its deadline',
  'early-expiry': 'a message expired before its deadline',
  'not-dropped': 'a client left with a message whose time is over',
  exposed: 'the text of a burn message shown to somebody without a reveal',
  reveal: 'a burn message handed out more than once to one user, or refused to one who had not revealed it',
  deadline: 'a deadline that moved away, or without a cause, or that somebody was not told',
  reason: 'a message told to be gone for another reason than the right one',
  undeleted: 'what was deleted served again',
  untold: 'an edit or a deletion that somebody was not told',
  preview: 'a reply that shows something of what is gone or burns, not what it is now, or nothing of what is there',
  status: 'a status that fell, was told twice, or did not arrive',
  wiped: 'a room wiped though somebody was in it, a message waited, or nobody asked for it',
  'after-leave': 'a message told to a connection that had left',
  'after-kick': 'something of a room for a user who was taken out of it more than a second before',
  banned: 'a user let back into a room that they are banned from',
  foreign: 'an event of a room that is none of the user',
  corrupt: 'a message that is not the same everywhere, or not as it was sent',
  presence: 'somebody told to come or go who did not, or twice, or not told',
  failed: 'an internal error',
  unanswered: 'an ack that never came',
  clock: 'nodes whose clocks differ',
} as const;
export type Kind = keyof typeof KINDS;

export interface Violation {
  readonly kind: Kind;
  readonly client: string;
  /** Number of the entry that shows it; 0 where it is about the whole run. */
  readonly n: number;
  readonly text: string;
}

/** Where the rules put what they find. */
export class Report {
  readonly violations: Violation[] = [];

  add(kind: Kind, entry: Common | undefined, text: string): void {
    this.violations.push({ kind, client: entry?.client ?? '', n: entry?.n ?? 0, text });
  }
}

/** The log of a run: who took part, and what they wrote. */
export interface Log {
  readonly clients: readonly { readonly name: string; readonly userId: string; readonly roomId: string }[];
  readonly entries: readonly Common[];
}

/** Entries of the room around a violation that are shown with it: of its client, and what others wrote at that time. */
const BEFORE = 14;
const AFTER = 4;

/** A violation with what its client saw around it, to be read by people. */
export function explain(violation: Violation, { clients, entries }: Log): string {
  const own = entries.filter(({ client }) => client === violation.client);
  const at = own.findIndex(({ n }) => n >= violation.n);
  const lines = own.slice(Math.max(0, at - BEFORE), at + AFTER).map((entry) => {
    const mark = entry.n === violation.n ? '>' : ' ';
    return `  ${mark} ${describe(entry)}`;
  });
  const head = `${violation.kind}: ${violation.client} #${violation.n}: ${violation.text} (${KINDS[violation.kind]})`;
  return [head, ...roomLines(violation, clients), ...lines].join('\n');
}

function roomLines({ client }: Violation, clients: Log['clients']): string[] {
  const info = clients.find(({ name }) => name === client);
  const tabs = clients.filter(({ roomId }) => roomId === info?.roomId).map(({ name }) => name);
  return info ? [`  ${client} is user ${info.userId} in room ${info.roomId} with ${tabs.join(', ')}`] : [];
}

/** One line of a log. */
export function describe(entry: Common): string {
  const time = new Date(entry.at).toISOString().slice(14, 23);
  const { n, client, conn } = entry;
  const head = `#${n} ${time} ${client}/${conn}`;
  const short = (value: unknown): string => {
    const text = JSON.stringify(value, (key, inner: unknown) => (key === 'to' ? undefined : brief(inner)));
    return text.length > 400 ? `${text.slice(0, 400)}…` : text;
  };
  const { n: _n, at: _at, client: _client, conn: _conn, ...rest } = entry;
  return `${head} ${short(rest)}${'to' in entry ? ` to #${(entry.to as Common).n}` : ''}`;
}

function brief(value: unknown): unknown {
  if (Array.isArray(value) && value.length > 12) {
    return [...(value.slice(0, 6) as unknown[]), `… ${value.length} in all …`, ...(value.slice(-3) as unknown[])];
  }
  if (typeof value === 'object' && value !== null && 'seq' in value && 'intact' in value) {
    const { seq, id, status } = value as unknown as { seq: number; id: string; status: string };
    return `${seq} ${id} ${status}`;
  }
  return value;
}
