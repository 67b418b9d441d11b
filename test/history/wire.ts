import type { JoinAck, SentAck, Shown, Status } from './log';

/** A JSON object from the server. */
export type Body = Record<string, unknown>;

/** Every text follows from its `clientId`, so that everyone who sees it can tell whether it is the one that was sent. */
export const textOf = (clientId: string, version = 0): string =>
  `${clientId}/${version} ${'.'.repeat(clientId.length * 7)}`;

const TOMBSTONE = '[Message deleted]';

/** Which of a message's texts this is; undefined: none. */
function versionOf(content: unknown, clientId: unknown): number | undefined {
  const [, version] = typeof content === 'string' ? (/^[^/]+\/(\d+) /.exec(content) ?? []) : [];
  const isOne = version !== undefined && content === textOf(clientId as string, Number(version));
  return isOne ? Number(version) : undefined;
}

export const time = (value: unknown): number => Date.parse(value as string);

/** A message of the contract as it goes into the log. */
export function shownOf(body: Body): Shown {
  const { id, seq, senderId, type, status, clientId, content, createdAt, expiresAt, burn, concealed } = body;
  const replyTo = body.replyTo as { id: string; preview: string | null } | undefined;
  return {
    id: id as string,
    seq: seq as number,
    senderId: senderId as string,
    type: type as string,
    status: status as Status,
    clientId: clientId as string | undefined,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    burn: burn === true,
    concealed: concealed === true,
    open: content !== undefined,
    version: versionOf(content, clientId),
    quotes: replyTo?.id,
    preview: replyTo?.preview,
    intact:
      content === undefined ||
      type === 'system' ||
      (type === 'deleted' ? content === TOMBSTONE : versionOf(content, clientId) !== undefined),
  };
}

export function sentOf({ messageId, seq, expiresAt, duplicate }: Body): SentAck {
  const [id, number] = [messageId as string, seq as number];
  return { id, seq: number, expiresAt: time(expiresAt), duplicate: duplicate === true };
}

export function joinedOf(ack: Body, intern: (body: Body) => Shown): JoinAck {
  return {
    messages: (ack.messages as Body[]).map(intern),
    changed: (ack.changed as Body[]).map(intern),
    live: ack.live as [number, number][],
    lastSeq: ack.lastSeq as number,
    epoch: ack.epoch as string,
    gap: ack.gap === true,
    more: ack.more === true,
    serverTime: ack.serverTime as string,
  };
}

/** A user of the service under test. */
export interface User {
  readonly id: string;
  readonly token: string;
}

export interface RestAnswer {
  readonly status: number;
  readonly body: Body;
}

/** An answer that takes longer is one that never comes. */
const REST_TIMEOUT_MS = 20_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A REST call; undefined where no answer came (its node was killed, or it took too long). */
export async function rest(
  url: string,
  method: Method,
  path: string,
  { token, body }: { token?: string; body?: object } = {},
): Promise<RestAnswer | undefined> {
  try {
    const response = await fetch(url + path, {
      method,
      signal: AbortSignal.timeout(REST_TIMEOUT_MS),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) };
  } catch {
    return undefined;
  }
}

/** Registers an account of a name that nobody else takes. @throws Error where the service refuses */
export async function register(url: string, username: string): Promise<User> {
  const body = { username, email: `${username}@example.com`, password: 'correct horse' };
  const answer = await rest(url, 'POST', '/api/auth/register', { body });
  if (answer?.status !== 201) {
    throw new Error(`${url} refused to register an account: ${JSON.stringify(answer)}`);
  }
  return { id: (answer.body.user as Body).id as string, token: answer.body.token as string };
}

/** A private room of these; the first one is its admin. @throws Error where the service refuses */
export async function createRoom(url: string, name: string, [admin, ...others]: readonly User[]): Promise<string> {
  const body = { type: 'private', name, memberIds: others.map(({ id }) => id) };
  const answer = await rest(url, 'POST', '/api/chat/rooms', { token: admin?.token ?? '', body });
  const roomId = String(answer?.body.roomId);
  const joined = others.map(({ token }) => rest(url, 'POST', `/api/chat/rooms/${roomId}/join`, { token }));
  const refused = (await Promise.all(joined)).find((one) => !one || one.status >= 300);
  if (answer?.status !== 201 || refused) {
    throw new Error(`${url} refused to make a room: ${JSON.stringify([answer, refused])}`);
  }
  return roomId;
}

export const roomOf = (a: User, b: User): string => `dm_${[a.id, b.id].sort().join('_')}`;
