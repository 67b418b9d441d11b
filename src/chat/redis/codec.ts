import { createHash } from 'node:crypto';
import { ID_LENGTH, MESSAGE_ID_PREFIX } from '../../common/ids';
import {
  DELETED_CONTENT,
  DELETED_USER,
  type Message,
  MESSAGE_STATUSES,
  MESSAGE_TYPES,
  noteText,
  type MessageDraft,
  type MessageImage,
  type MessageStatus,
  previewOf,
  type Quote,
  type Reaction,
  type SystemNote,
} from '../engine/message';
import type { Member, Room, RoomSettings, RoomType } from '../engine/room';

/** A room as scripts give it: its hash and its public keys, flat. */
export type RawView = readonly [string[], string[] | object];

/** Where the id begins in a message's value: after a digit each for status, type and burn. */
const ID_AT = 3;
const SEQ_AT = ID_AT + ID_LENGTH;
const DIGEST_LENGTH = 22;
/** Fields of a message's value before its JSON: seq, creation, deadline, lifetime from being seen. */
const FIELDS = 4;

/** What few messages have. */
interface Rest {
  readonly system?: SystemNote | undefined;
  readonly image?: MessageImage | undefined;
  readonly replyTo?: Quoted | undefined;
  readonly editedAt?: number | undefined;
}

/** What a reply answers; scripts look for it, `seq` first and `senderId` last. */
export interface Quoted extends Pick<Quote, 'id' | 'senderId'> {
  readonly seq: number;
}

/**
 * What follows a message's value (see `full`): reactions, flat, the value of the message that it answers, and names of
 * users that it has only the ids of, flat.
 */
interface Beside {
  readonly reactions: string[] | object;
  readonly names: string[] | object;
  readonly quoted?: string;
}

/**
 * What a message's value holds as JSON: sender, their name, content, clientId, the rest. A name that is empty stands beside
 * the messages, so that it can be taken away from all of them: see `full`.
 */
type Payload = [string, string, string, string | null, Rest?];

export function encodePayload(draft: MessageDraft, replyTo?: Quoted): string {
  const { senderId, senderUsername, content, clientId, system, image } = draft;
  const payload: Payload = [senderId, senderUsername, content, clientId ?? null];
  if (system || image || replyTo) {
    payload.push({ system, image, replyTo });
  }
  return JSON.stringify(payload);
}

/** Of a note: without names, in its content too. */
export function encodeNote({ senderId, content, system }: MessageDraft): string {
  return JSON.stringify([senderId, '', content, null, { system }] satisfies Payload);
}

/** The JSON of a message's value, and how it looks with another text. */
export function editPayload(value: string, content: string, editedAt: number): { known: string; edited: string } {
  const known = payloadOf(value);
  const [senderId, senderUsername, , clientId, rest] = JSON.parse(known) as Payload;
  return { known, edited: JSON.stringify([senderId, senderUsername, content, clientId, { ...rest, editedAt }]) };
}

/** The JSON of a message's value, and that of the tombstone in its place. */
export function deletePayload(value: string): { known: string; tombstone: string } {
  const known = payloadOf(value);
  const [senderId] = JSON.parse(known) as Payload;
  return { known, tombstone: JSON.stringify([senderId, '', DELETED_CONTENT, null] satisfies Payload) };
}

/** A message from its value (see `PRELUDE`), as scripts give it (see `full`). */
export function decodeMessage(roomId: string, text: string): Message {
  const end = text.indexOf('\n');
  const message = decodeValue(roomId, end === -1 ? text : text.slice(0, end));
  if (end === -1) {
    return message;
  }
  const { reactions, quoted, names } = JSON.parse(text.slice(end + 1)) as Beside;
  const kinds = decodeReactions(reactions);
  const byId = pairs(names);
  const name = (userId = ''): string => byId[userId] ?? DELETED_USER;
  const { senderId, system, replyTo } = message;
  const senderUsername = message.senderUsername || name(senderId);
  return {
    ...message,
    senderUsername,
    content: system ? noteText(message.content, senderUsername, name(system.targetId)) : message.content,
    replyTo: replyTo && {
      ...replyTo,
      senderUsername: name(replyTo.senderId),
      preview: quoted ? previewIn(roomId, quoted) : null,
    },
    reactions: kinds.length > 0 ? kinds : undefined,
  };
}

function previewIn(roomId: string, value: string): string | null {
  return previewOf(decodeValue(roomId, value), false);
}

/** Reactions from a hash (`re:<seq>` of `PRELUDE`), in the order in which their kinds came. */
export function decodeReactions(flat: string[] | object): Reaction[] {
  const kinds = Object.entries(pairs(flat)).map(([emoji, text]) => {
    const [number = '', ...userIds] = text.split(' ');
    return { number: Number(number), emoji, userIds };
  });
  return kinds.sort((a, b) => a.number - b.number).map(({ emoji, userIds }) => ({ emoji, userIds }));
}

/** The JSON of a message's value. */
function payloadOf(value: string): string {
  const line = value.indexOf('\n');
  let at = SEQ_AT;
  for (let field = 0; field < FIELDS; field++) {
    at = value.indexOf(',', at) + 1;
  }
  return value.slice(at, line === -1 ? undefined : line);
}

function decodeValue(roomId: string, value: string): Message {
  const createdAtAt = value.indexOf(',', SEQ_AT) + 1;
  const deadlineAt = value.indexOf(',', createdAtAt) + 1;
  const seenTtlAt = value.indexOf(',', deadlineAt) + 1;
  const payloadAt = value.indexOf(',', seenTtlAt) + 1;
  const createdAt = value.slice(createdAtAt, deadlineAt - 1);
  const deadline = Number(value.slice(deadlineAt, seenTtlAt - 1));
  const [senderId, senderUsername, content, clientId, rest] = JSON.parse(value.slice(payloadAt)) as Payload;
  return {
    id: `${MESSAGE_ID_PREFIX}${createdAt}_${value.slice(ID_AT, SEQ_AT)}`,
    roomId,
    seq: Number(value.slice(SEQ_AT, createdAtAt - 1)),
    senderId,
    senderUsername,
    type: MESSAGE_TYPES[Number(value[1])] ?? 'text',
    content,
    status: statusOf(Number(value[0])),
    createdAt: Number(createdAt),
    expiresAt: deadline === 0 ? null : deadline,
    clientId: clientId ?? undefined,
    system: rest?.system,
    image: rest?.image,
    burn: value[2] !== '0',
    replyTo: rest?.replyTo && quoteOf(rest.replyTo),
    editedAt: rest?.editedAt,
    reactions: undefined,
  };
}

function quoteOf({ id, senderId }: Quoted): Quote {
  return { id, senderId, senderUsername: DELETED_USER, preview: null };
}

/** What a repeat is told of a message that is gone: the record of the first send (key `dd` of `PRELUDE`) and the draft. */
export function decodeRemembered(draft: MessageDraft, record: string): Message {
  const [hex, seq, createdAt, deadline] = record.split(' ');
  const { roomId, senderId, senderUsername, type, clientId, system, burn } = draft;
  return {
    id: `${MESSAGE_ID_PREFIX}${createdAt}_${hex}`,
    roomId,
    seq: Number(seq),
    senderId,
    senderUsername,
    type,
    content: '',
    status: type === 'system' ? 'delivered' : 'sent',
    createdAt: Number(createdAt),
    expiresAt: deadline === '0' ? null : Number(deadline),
    clientId,
    system,
    image: undefined,
    burn,
  };
}

/** 128 bits that stand for who sent and what they called it. */
export function digestOf(senderId: string, clientId: string): string {
  const hash = createHash('sha256').update(`${senderId.length}:${senderId}${clientId}`);
  return hash.digest('base64url').slice(0, DIGEST_LENGTH);
}

export function decodeRoom([flat, keys]: RawView): Room {
  const fields = pairs(flat);
  const field = (name: string): string => fields[name] ?? '';
  const members = JSON.parse(field('members')) as Member[];
  return {
    id: field('id'),
    type: field('type') as RoomType,
    epoch: field('epoch'),
    name: fields.name ?? null,
    description: fields.description || null,
    creatorId: fields.creatorId ?? null,
    members,
    memberCount: Number(fields.memberCount ?? members.length),
    settings: JSON.parse(field('settings')) as RoomSettings,
    lastSeq: Number(field('lastSeq')),
    position: Number(field('position')),
    createdAt: Number(field('createdAt')),
    lastActivity: Number(field('lastActivity')),
    publicKeys: pairs(keys),
  };
}

export function statusOf(rank: number): MessageStatus {
  return MESSAGE_STATUSES[rank] ?? 'sent';
}

/** A hash as Redis gives it. */
function pairs(flat: string[] | object): Record<string, string> {
  const fields: Record<string, string> = {};
  const values = list(flat);
  for (let i = 0; i < values.length; i += 2) {
    fields[values[i] ?? ''] = values[i + 1] ?? '';
  }
  return fields;
}

/** An array as Redis gives it. An empty one comes as `{}` out of Lua's JSON. */
export function list(values: string[] | object): string[] {
  return Array.isArray(values) ? (values as string[]) : [];
}
