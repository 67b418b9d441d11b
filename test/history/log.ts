import { type Common, EventLog } from './event-log';

/** In rising order. */
export const STATUSES = ['sent', 'delivered', 'seen'] as const;
export type Status = (typeof STATUSES)[number];
export const rank = (status: Status): number => STATUSES.indexOf(status);

/** What is special about a message: nothing; it burns after reading; its lifetime starts when it has been seen. */
export const MODES = ['plain', 'burn', 'seen'] as const;
export type Mode = (typeof MODES)[number];

/** A message as a client was shown it. Times are epoch ms. Equal ones are one object: a long run shows them often. */
export interface Shown {
  readonly id: string;
  readonly seq: number;
  readonly senderId: string;
  readonly type: string;
  readonly status: Status;
  readonly clientId: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly burn: boolean;
  readonly concealed: boolean;
  /** Whether there is a text. */
  readonly open: boolean;
  /** Which text it is: 0 is the first, others are numbered by the edits; undefined: none, or none of its sender's. */
  readonly version: number | undefined;
  /** Whether the text, where there is one, is one that its sender, or a deletion, gave it. */
  readonly intact: boolean;
  /** The id of the message that it answers, and what it shows of it; null: nothing. */
  readonly quotes: string | undefined;
  readonly preview: string | null | undefined;
}

/** Where a client left off, as it tells the server. */
export interface Point {
  readonly since: number;
  readonly epoch: string;
  readonly sinceTime: string;
}

/** What a join ack tells of the room's messages. */
export interface JoinAck {
  readonly messages: readonly Shown[];
  readonly changed: readonly Shown[];
  readonly live: readonly (readonly [number, number])[];
  readonly lastSeq: number;
  readonly epoch: string;
  readonly gap: boolean;
  readonly more: boolean;
  readonly serverTime: string;
}

/** Messages that a receipt is about. */
export type Range = { readonly messageId: string } | { readonly upToSeq: number };

/** What a client asks the server. `call` is a request by REST. */
export type Ask =
  | {
      readonly ask: 'send';
      readonly key: string;
      readonly ttl: number | undefined;
      readonly mode: Mode;
      readonly replyTo?: string;
    }
  | { readonly ask: 'join'; readonly point: Point | undefined }
  | { readonly ask: 'leave' }
  | { readonly ask: 'raise'; readonly range: Range; readonly status: Status }
  | { readonly ask: 'reveal'; readonly messageId: string; readonly revealId: string | undefined; readonly call?: true }
  | { readonly ask: 'edit'; readonly messageId: string; readonly version: number; readonly call?: true }
  /** Deletes one message. */
  | { readonly ask: 'remove'; readonly messageId: string; readonly call?: true }
  | { readonly ask: 'settle' }
  | { readonly ask: 'page'; readonly call: true; readonly final: boolean }
  | { readonly ask: 'list'; readonly call: true }
  | { readonly ask: 'configure'; readonly call: true }
  | { readonly ask: 'delete'; readonly call: true }
  /** The admin of a group takes a member out, for as long as a ban, or asks them back; who was asked becomes one again. */
  | { readonly ask: 'kick' | 'ban' | 'unban' | 'invite'; readonly userId: string; readonly call: true }
  | { readonly ask: 'enter'; readonly call: true };

export interface SentAck {
  readonly id: string;
  readonly seq: number;
  readonly expiresAt: number;
  readonly duplicate: boolean;
}

/** What came of an ask: the ack, or the code of the refusal. `timeout` and `gone` (disconnected) are the client's own. */
export type Answer =
  | { readonly answer: 'sent'; readonly sent: SentAck; readonly serverTime: number }
  | { readonly answer: 'joined'; readonly joined: JoinAck }
  | { readonly answer: 'done' }
  | { readonly answer: 'page'; readonly messages: readonly Shown[]; readonly more: boolean }
  /** Of the list of rooms: the last message of the client's room, and whether its text is shown. */
  | { readonly answer: 'listed'; readonly lastId: string | undefined; readonly lastOpen: boolean }
  /** From `expiresAt` on it is gone for who revealed it. */
  | { readonly answer: 'revealed'; readonly message: Shown; readonly expiresAt: number }
  | { readonly answer: 'refused'; readonly code: string };

/** What a client was told without asking. */
export type Told =
  | { readonly told: 'connect'; readonly node: number; readonly socketId: string }
  | { readonly told: 'disconnect'; readonly reason: string }
  | { readonly told: 'new'; readonly message: Shown }
  | {
      readonly told: 'status';
      readonly range: Range;
      readonly status: Status;
      readonly userId: string;
      /** The deadline, where it moved. */
      readonly expiresAt: number | undefined;
    }
  | { readonly told: 'edited'; readonly message: Shown }
  | { readonly told: 'deleted'; readonly messageId: string }
  | { readonly told: 'expired'; readonly ids: readonly string[]; readonly reason: string }
  | { readonly told: 'closed'; readonly reason: string }
  | { readonly told: 'kicked' }
  | { readonly told: 'foreign'; readonly event: string; readonly roomId: string };

export type AskEntry = Common & Ask;
/** An answer and the entry of what was asked. */
export type AnswerEntry = Common & Answer & { readonly to: AskEntry };
export type ToldEntry = Common & Told;
export type Entry = AskEntry | AnswerEntry | ToldEntry;

/** One client: a tab of a user, over all its connections. */
export interface ClientInfo {
  readonly name: string;
  readonly userId: string;
  readonly roomId: string;
  /** Whether the room is a private one of several: it is heard by joining, and its statuses are watermarks. */
  readonly isGroup: boolean;
}

/** Messages that an entry shows. */
export function shownBy(entry: Entry): readonly Shown[] {
  if ('told' in entry) {
    return entry.told === 'new' || entry.told === 'edited' ? [entry.message] : [];
  }
  if ('ask' in entry) {
    return [];
  }
  switch (entry.answer) {
    case 'joined':
      return [...entry.joined.messages, ...entry.joined.changed];
    case 'page':
      return entry.messages;
    case 'revealed':
      return [entry.message];
    case 'sent':
    case 'listed':
    case 'done':
    case 'refused':
      return [];
  }
}

/** Everything that the clients of a run did and saw. */
export interface History {
  readonly clients: readonly ClientInfo[];
  readonly entries: readonly Entry[];
}

/** Where clients write what they do and see. */
export class HistoryLog extends EventLog<Ask, Answer, Told> implements History {
  readonly clients: ClientInfo[] = [];
  private readonly shown = new Map<string, Shown>();

  addClient(info: ClientInfo): void {
    this.clients.push(info);
  }

  /** The one object for a message as it was shown. */
  intern(message: Shown): Shown {
    const key = `${message.id} ${message.status} ${message.expiresAt} ${message.open} ${message.version} ${message.preview}`;
    const known = this.shown.get(key);
    if (!known) {
      this.shown.set(key, message);
      return message;
    }
    const same = (Object.keys(message) as (keyof Shown)[]).every((field) => known[field] === message[field]);
    return same ? known : message;
  }
}
