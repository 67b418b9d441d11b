import { type Common, EventLog } from '../event-log';

/** A message as a client was shown it. */
export interface Whisper {
  readonly id: string;
  /** Which text it is; undefined: none that anybody sent. */
  readonly key: string | undefined;
  readonly sender: string;
  /** When it was stored, epoch ms. */
  readonly createdAt: number;
  /** Seconds; 0: it burns. */
  readonly ttl: number;
}

/** What a client asks the server. `call` is a request by REST. */
export type Ask =
  | { readonly ask: 'enter'; readonly withKey: boolean }
  | { readonly ask: 'send'; readonly key: string; readonly ttl: number }
  | { readonly ask: 'leave' }
  | { readonly ask: 'settle' }
  | { readonly ask: 'page'; readonly call: true };

/** What came of an ask: the ack, or the code of the refusal. `timeout` and `gone` (disconnected) are the client's own. */
export type Answer =
  | { readonly answer: 'entered'; readonly participants: readonly string[] }
  | { readonly answer: 'sent'; readonly id: string; readonly createdAt: number }
  | { readonly answer: 'page'; readonly messages: readonly Whisper[] }
  | { readonly answer: 'done' }
  | { readonly answer: 'refused'; readonly code: string };

/** What a client was told without asking. */
export type Told =
  | { readonly told: 'connect'; readonly node: number }
  | { readonly told: 'disconnect'; readonly reason: string }
  /** The client ends its connection. */
  | { readonly told: 'dropped' }
  /** The client lost touch with its connection, which stands until the server finds that out. */
  | { readonly told: 'stranded' }
  | { readonly told: 'room-joined'; readonly participants: readonly string[] }
  | { readonly told: 'came' | 'went'; readonly agentId: string }
  | { readonly told: 'new'; readonly message: Whisper }
  | { readonly told: 'expired'; readonly id: string }
  | { readonly told: 'foreign'; readonly event: string };

export type AskEntry = Common & Ask;
/** An answer and the entry of what was asked. */
export type AnswerEntry = Common & Answer & { readonly to: AskEntry };
export type ToldEntry = Common & Told;
export type Entry = AskEntry | AnswerEntry | ToldEntry;

/** One client: a tab of somebody. `userId` is their name (`agentId`), `roomId` the token of the room. */
export interface ClientInfo {
  readonly name: string;
  readonly userId: string;
  readonly roomId: string;
}

/** Everything that the clients of a run did and saw. */
export interface GhostHistory {
  readonly clients: readonly ClientInfo[];
  readonly entries: readonly Entry[];
}

export class GhostLog extends EventLog<Ask, Answer, Told> implements GhostHistory {
  readonly clients: ClientInfo[] = [];

  addClient(info: ClientInfo): void {
    this.clients.push(info);
  }
}

/** Whether an ask was refused for certain, and had no effect. */
export function isRefused(answer: AnswerEntry | undefined): boolean {
  return answer?.answer === 'refused' && !['timeout', 'gone'].includes(answer.code);
}
