import type { EventRow, RouteRow, World } from './authz-table';
import { NASTY, type Random } from './fuzz';

/** Ids that there are, or were; the newest last. */
export interface Known {
  readonly rooms: string[];
  /** With the room of each. */
  readonly messages: Map<string, string>;
  readonly users: string[];
  readonly images: string[];
}

export interface Request {
  readonly handler: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** So many rooms and messages are remembered; older ones make place. */
const MAX_ROOMS = 12;
const MAX_MESSAGES = 40;
/** One value in so many is junk; one field in so many is left out, of those that need not be there all but one in so many. */
const JUNK = 25;
const OMITTED = 25;
const GIVEN = 5;

const SETTINGS = [
  {},
  { messageTtl: 1 },
  { messageTtl: 60 },
  { messageTtl: null },
  { slowModeSeconds: 1 },
  { slowModeSeconds: 0 },
  { moderationEnabled: true, allowFileSharing: false },
  { encrypted: true, messageTtl: null },
  { maxMembers: 50 },
];

/** What one event or call is about: mostly a message and its own room. */
interface Subject {
  readonly roomId: string;
  readonly messageId: string;
}

function subject(known: Known, random: Random): Subject {
  const [messageId, roomId] = random.pick([...known.messages]);
  return random.below(4) === 0 ? { messageId, roomId: random.pick(known.rooms) } : { messageId, roomId };
}

/** Values of a field that a client could mean, though not always in this place. */
function meant(field: string, known: Known, random: Random, about = subject(known, random)): unknown {
  const pick = <T>(...values: readonly T[]): T => random.pick(values);
  switch (field) {
    case 'roomId':
    case 'messageId':
      return about[field];
    case 'replyTo':
      return about.messageId;
    case 'userId':
    case 'otherUserId':
      return random.pick(known.users);
    case 'memberIds':
      return Array.from({ length: random.below(4) }, () => random.pick(known.users));
    case 'imageUrl':
      return random.pick(known.images);
    case 'type':
      return pick('public', 'private', 'text', 'system');
    case 'name':
    case 'content':
    case 'description':
    case 'reason':
      return pick('x', 'rude', 'ж'.repeat(90), '<b>', '👍', 'two\nlines', random.below(4) ? 'y' : 'x'.repeat(5001));
    case 'settings':
      return random.pick(SETTINGS);
    case 'role':
      return pick('member', 'moderator', 'admin');
    case 'minutes':
      return pick(1, 60, 525_600);
    case 'ttl':
      return pick(0, 1, 2, 60, 2_592_000);
    case 'burn':
      return pick(true, false);
    case 'expireFrom':
      return pick('sent', 'seen');
    case 'status':
      return pick('sent', 'delivered', 'seen');
    case 'upToSeq':
    case 'since':
    case 'before':
      return pick(0, 1, 2, 10, 50, 1_000_000);
    case 'sinceTime':
      return pick(new Date(0).toISOString(), new Date().toISOString(), '2999-01-01T00:00:00.000Z');
    case 'emoji':
      return pick('👍', '👨‍👩‍👧‍👦', '😀', '🇩🇪');
    case 'epoch':
    case 'clientId':
    case 'revealId':
    case 'publicKey':
      return pick('a', 'b', 'c');
    default:
      return random.pick(NASTY);
  }
}

/** The fields of a row, and some of those that it might have besides. */
function payload(handler: string, fields: object, known: Known, random: Random): Record<string, unknown> {
  const about = subject(known, random);
  const kept = [
    ...Object.keys(fields).filter(() => random.below(OMITTED) > 0),
    ...(MORE[handler] ?? []).filter(() => random.below(GIVEN) === 0),
  ];
  return Object.fromEntries(
    kept.map((field) => [field, random.below(JUNK) === 0 ? random.pick(NASTY) : meant(field, known, random, about)]),
  );
}

/** What a message may be sent with, and a room be made with. */
const SENDING = ['content', 'ttl', 'burn', 'expireFrom', 'clientId', 'replyTo', 'imageUrl'];
const MAKING = ['type', 'name', 'description', 'settings', 'memberIds'];
/** Fields beyond those of the rows. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  'message:send': SENDING,
  'send-message': SENDING,
  'room:join': ['publicKey', 'since', 'epoch', 'sinceTime'],
  'message:status': ['upToSeq'],
  'message:reveal': ['revealId'],
  'reveal-message': ['revealId'],
  'POST /api/chat/rooms': MAKING,
  'PATCH /api/chat/rooms/:roomId': ['name', 'description', 'settings'],
  'POST /api/chat/rooms/:roomId/messages': SENDING,
  'POST /api/chat/rooms/:roomId/messages/:messageId/reveal': ['revealId'],
  'POST /api/chat/rooms/:roomId/read': ['status'],
  'PUT /api/chat/rooms/:roomId/bans/:userId': ['minutes'],
};

const NOBODY = {} as World;

/** A packet of one of these events. */
export function somePacket(rows: readonly EventRow[], known: Known, random: Random): [event: string, payload: unknown] {
  const row = random.pick(rows);
  const [, event = ''] = row.handler.split(' ');
  return [event, payload(event, row.payload(NOBODY), known, random)];
}

/** In an address; lone surrogates cannot stand there. */
function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return encodeURIComponent(Buffer.from(text).toString());
}

/** A call of one of these routes. */
export function someRequest(rows: readonly RouteRow[], known: Known, random: Random): Request {
  const { handler, body } = random.pick(rows);
  const [method = '', route = ''] = handler.split(' ');
  const about = subject(known, random);
  const path = route.replaceAll(/:(\w+)/g, (_, name: string) => encoded(meant(name, known, random, about)));
  if (method === 'GET') {
    const query = ['limit', 'before', 'cursor', 'q'].filter(() => random.below(10) === 0);
    const asked = query.map((name) => `${name}=${encoded(meant(name, known, random))}`);
    return { handler, method, path: `${path}?${asked.join('&')}`, body: undefined };
  }
  return { handler, method, path, body: payload(handler, body?.(NOBODY) ?? {}, known, random) };
}

/** Takes the ids out of whatever was answered or told in a room. */
export function learn(known: Known, roomId: unknown, answer: unknown): void {
  if (typeof roomId !== 'string' || !known.rooms.includes(roomId)) {
    return;
  }
  for (const [id] of (JSON.stringify(answer) ?? '').matchAll(/msg_\d{13}_[0-9a-f]+/g)) {
    known.messages.delete(id);
    known.messages.set(id, roomId);
  }
  for (const id of [...known.messages.keys()].slice(0, -MAX_MESSAGES)) {
    known.messages.delete(id);
  }
}

/** Remembers a room, and forgets one of those made before. */
export function remember(known: Known, roomId: string): void {
  known.rooms.push(roomId);
  known.rooms.splice(0, known.rooms.length - MAX_ROOMS);
}
