import { ID_BYTES, MESSAGE_ID_PREFIX } from '../../common/ids';
import {
  type Message,
  MESSAGE_STATUSES,
  MESSAGE_TYPES,
  type MessageImage,
  type MessageStatus,
  type SystemNote,
} from '../engine/message';
import type { Member } from '../engine/room';
import { type Handle, Slab } from './slab';

// A record is a header of fixed fields, then `clientId`, content and the rare rest as UTF-8.
const CREATED_AT = 0; // f64, epoch ms
const DEADLINE = 1; // f64, epoch ms; 0 keeps the message
const CHANGED_AT = 2; // f64, epoch ms of the last change (of status, by edit, deletion or reaction)
const DEDUPE_KEY = 3; // f64, hash of sender and clientId; 0 without one
const SEQ = 8; // u32
const SENDER = 9; // u32, index into the room's people
const CONTENT_LENGTH = 10; // u32, bytes
const EXTRA_LENGTH = 11; // u32, bytes
const RANDOM_ID = 48; // 12 bytes, the random part of the id
const TYPE = 60; // u8
const STATUS = 61; // u8
const FLAGS = 62; // u8, bits below
const CLIENT_ID_LENGTH = 63; // u8, bytes
const DELIVERED_AFTER = 16; // u32, ms from its creation until it was delivered, and one; 0 before
const SEEN_AFTER = 17; // u32, the same until it was seen
const HEADER = 72;
/** Most ms in 32 bits with one added: 49 days. Only rooms that keep their history have older messages, and marks for these times. */
const LONGEST_AFTER = 2 ** 32 - 2;

/** The message is gone, only what makes a repeat recognisable is left. */
const HUSK = 1;
const BURN = 2;
/** The deadline is the end of a burn message's countdown. */
const BURNING = 4;
/** It is not as it was sent: CHANGED_AT is when that came about. */
const CHANGED = 8;

/** What few messages have. */
interface Rest {
  readonly system?: SystemNote | undefined;
  readonly image?: MessageImage | undefined;
  readonly seenTtl?: number | undefined;
}

const NOTHING: Rest = {};
const NO_BYTES = Buffer.alloc(0);
const SYSTEM = MESSAGE_TYPES.indexOf('system');
const DELETED = MESSAGE_TYPES.indexOf('deleted');
const SENT = MESSAGE_STATUSES.indexOf('sent');
const SEEN = MESSAGE_STATUSES.indexOf('seen');

/** What `write` stores; `id` is `msg_<createdAt>_<random>`. */
export interface NewRecord {
  readonly message: Message;
  readonly sender: number;
  readonly dedupeKey: number;
  /** Lifetime that starts when all recipients have seen it, seconds. */
  readonly seenTtl: number | undefined;
}

/** Messages as dense records (see `Slab`). Fields are read where they lie; a `Message` is made only to be shown. */
export class MessageRecords {
  private readonly slab = new Slab();

  /** Bytes of all records. */
  get bytes(): number {
    return this.slab.bytes;
  }

  /** Stores a message. @throws RangeError where it is larger than a record can be */
  write({ message, sender, dedupeKey, seenTtl }: NewRecord): Handle {
    const { system, image } = message;
    const hasRest = system !== undefined || image !== undefined || seenTtl !== undefined;
    const extra = hasRest ? JSON.stringify({ system, image, seenTtl } satisfies Rest) : '';
    const clientId = message.clientId ?? '';
    const { content } = message;
    const { slab } = this;
    const clientIdLength = clientId === '' ? 0 : Buffer.byteLength(clientId);
    const contentLength = Buffer.byteLength(content);
    const extraLength = extra === '' ? 0 : Buffer.byteLength(extra);
    const size = HEADER + clientIdLength + contentLength + extraLength;
    const handle = slab.allocate(size);
    const { chunk, offset } = slab;
    const f64 = offset >> 3;
    const u32 = offset >> 2;
    chunk.f64[f64 + CREATED_AT] = message.createdAt;
    chunk.f64[f64 + DEADLINE] = message.expiresAt ?? 0;
    chunk.f64[f64 + CHANGED_AT] = message.createdAt;
    chunk.f64[f64 + DEDUPE_KEY] = dedupeKey;
    chunk.u32[u32 + SEQ] = message.seq;
    chunk.u32[u32 + SENDER] = sender;
    chunk.u32[u32 + CONTENT_LENGTH] = contentLength;
    chunk.u32[u32 + EXTRA_LENGTH] = extraLength;
    chunk.bytes.write(message.id.slice(-2 * ID_BYTES), offset + RANDOM_ID, 'hex');
    chunk.bytes[offset + TYPE] = MESSAGE_TYPES.indexOf(message.type);
    chunk.bytes[offset + STATUS] = MESSAGE_STATUSES.indexOf(message.status);
    chunk.bytes[offset + FLAGS] = message.burn ? BURN : 0;
    chunk.bytes[offset + CLIENT_ID_LENGTH] = clientIdLength;
    const text = offset + HEADER;
    if (clientIdLength > 0) {
      chunk.bytes.write(clientId, text, 'utf8');
    }
    chunk.bytes.write(content, text + clientIdLength, 'utf8');
    if (extraLength > 0) {
      chunk.bytes.write(extra, text + clientIdLength + contentLength, 'utf8');
    }
    return handle;
  }

  /** The message of a record. */
  read(handle: Handle, roomId: string, people: readonly Member[]): Message {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const { bytes, u32: words } = chunk;
    const u32 = offset >> 2;
    const createdAt = chunk.f64[(offset >> 3) + CREATED_AT] ?? 0;
    const deadline = chunk.f64[(offset >> 3) + DEADLINE] ?? 0;
    const sender = people[words[u32 + SENDER] ?? 0];
    const clientIdEnd = offset + HEADER + (bytes[offset + CLIENT_ID_LENGTH] ?? 0);
    const contentEnd = clientIdEnd + (words[u32 + CONTENT_LENGTH] ?? 0);
    const extraLength = words[u32 + EXTRA_LENGTH] ?? 0;
    const rest = extraLength === 0 ? NOTHING : restOf(bytes, contentEnd, extraLength);
    return {
      id: this.idAt(chunk.bytes, offset, createdAt),
      roomId,
      seq: words[u32 + SEQ] ?? 0,
      senderId: sender?.userId ?? '',
      senderUsername: sender?.username ?? '',
      type: MESSAGE_TYPES[bytes[offset + TYPE] ?? 0] ?? 'text',
      content: bytes.toString('utf8', clientIdEnd, contentEnd),
      status: MESSAGE_STATUSES[bytes[offset + STATUS] ?? 0] ?? 'sent',
      createdAt,
      expiresAt: deadline === 0 ? null : deadline,
      clientId: clientIdEnd > offset + HEADER ? bytes.toString('utf8', offset + HEADER, clientIdEnd) : undefined,
      system: rest.system,
      image: rest.image,
      burn: ((bytes[offset + FLAGS] ?? 0) & BURN) !== 0,
      // What a room adds to it, see `Annotations`.
      replyTo: undefined,
      editedAt: undefined,
      reactions: undefined,
    };
  }

  id(handle: Handle): string {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    return this.idAt(chunk.bytes, offset, chunk.f64[(offset >> 3) + CREATED_AT] ?? 0);
  }

  createdAt(handle: Handle): number {
    return this.double(handle, CREATED_AT);
  }

  /** Epoch ms; `Infinity` where the message is kept. */
  deadline(handle: Handle): number {
    return this.double(handle, DEADLINE) || Infinity;
  }

  changedAt(handle: Handle): number {
    return this.double(handle, CHANGED_AT);
  }

  dedupeKey(handle: Handle): number {
    return this.double(handle, DEDUPE_KEY);
  }

  seq(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + SEQ] ?? 0;
  }

  /** Index into the room's people. */
  sender(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + SENDER] ?? 0;
  }

  /** Bytes of the content. */
  contentLength(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + CONTENT_LENGTH] ?? 0;
  }

  isSystem(handle: Handle): boolean {
    return this.type(handle) === SYSTEM;
  }

  /** Only a tombstone is left. */
  isDeleted(handle: Handle): boolean {
    return this.type(handle) === DELETED;
  }

  /** Whether it is in counts: no system message, no tombstone. */
  isCounted(handle: Handle): boolean {
    return this.type(handle) < Math.min(SYSTEM, DELETED);
  }

  /** Whether it has changed since this time, epoch ms. */
  hasChangedSince(handle: Handle, at: number): boolean {
    return this.hasFlag(handle, CHANGED) && this.changedAt(handle) >= at;
  }

  isHusk(handle: Handle): boolean {
    return this.hasFlag(handle, HUSK);
  }

  isBurn(handle: Handle): boolean {
    return this.hasFlag(handle, BURN);
  }

  isBurning(handle: Handle): boolean {
    return this.hasFlag(handle, BURNING);
  }

  /** Lifetime that starts when all recipients have seen the message, seconds; undefined: it runs already. */
  seenTtl(handle: Handle): number | undefined {
    return this.rest(handle).seenTtl;
  }

  image(handle: Handle): MessageImage | undefined {
    return this.rest(handle).image;
  }

  /** Moves the deadline, epoch ms; `burning`: to the end of a countdown. */
  setDeadline(handle: Handle, deadline: number, burning: boolean): void {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    chunk.f64[(offset >> 3) + DEADLINE] = deadline;
    if (burning) {
      chunk.bytes[offset + FLAGS] = (chunk.bytes[offset + FLAGS] ?? 0) | BURNING;
    }
  }

  /** Index into `MESSAGE_STATUSES`. */
  statusRank(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.bytes[this.slab.offset + STATUS] ?? 0;
  }

  setStatus(handle: Handle, status: MessageStatus, at: number): void {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const rank = MESSAGE_STATUSES.indexOf(status);
    const u32 = offset >> 2;
    const after = Math.min(at - (chunk.f64[(offset >> 3) + CREATED_AT] ?? 0), LONGEST_AFTER) + 1;
    chunk.bytes[offset + STATUS] = rank;
    if (rank > SENT && chunk.u32[u32 + DELIVERED_AFTER] === 0) {
      chunk.u32[u32 + DELIVERED_AFTER] = after;
    }
    if (rank === SEEN) {
      chunk.u32[u32 + SEEN_AFTER] = after;
    }
    this.touch(handle, at);
  }

  /** When the message became delivered, and seen, epoch ms; of messages older than 49 days then: too early. */
  statusTimes(handle: Handle): { deliveredAt: number | undefined; seenAt: number | undefined } {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const createdAt = chunk.f64[(offset >> 3) + CREATED_AT] ?? 0;
    const time = (after = 0): number | undefined => (after === 0 ? undefined : createdAt + after - 1);
    const u32 = offset >> 2;
    return { deliveredAt: time(chunk.u32[u32 + DELIVERED_AFTER]), seenAt: time(chunk.u32[u32 + SEEN_AFTER]) };
  }

  /** Notes a change, epoch ms. */
  touch(handle: Handle, at: number): void {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    chunk.f64[(offset >> 3) + CHANGED_AT] = at;
    chunk.bytes[offset + FLAGS] = (chunk.bytes[offset + FLAGS] ?? 0) | CHANGED;
  }

  /** Gives a message another text; the old one is overwritten. Another handle. @throws RangeError as `write` */
  edit(handle: Handle, content: string): Handle {
    return this.rewrite(handle, content, true);
  }

  /** Erases a message down to its header and a text that stands for it. Another handle. */
  reduceToTombstone(handle: Handle, content: string): Handle {
    const tombstone = this.rewrite(handle, content, false);
    const { chunk, offset } = this.slab;
    chunk.bytes[offset + TYPE] = DELETED;
    chunk.bytes[offset + FLAGS] = 0;
    return tombstone;
  }

  /** Overwrites and gives back a record. */
  free(handle: Handle): void {
    this.slab.free(handle);
  }

  /** Erases a record down to its header (id, seq, times, hash of the clientId), to end at `deadline`. Another handle. */
  reduceToHusk(handle: Handle, deadline: number): Handle {
    this.slab.locate(handle);
    const header = Buffer.from(this.slab.chunk.bytes.subarray(this.slab.offset, this.slab.offset + HEADER));
    this.slab.free(handle);
    const husk = this.slab.allocate(HEADER);
    const { chunk, offset } = this.slab;
    header.copy(chunk.bytes, offset);
    chunk.bytes[offset + FLAGS] = HUSK;
    chunk.bytes[offset + CLIENT_ID_LENGTH] = 0;
    chunk.u32[(offset >> 2) + CONTENT_LENGTH] = 0;
    chunk.u32[(offset >> 2) + EXTRA_LENGTH] = 0;
    // The message's own deadline moves to CHANGED_AT, which a husk has no use for: a repeated send is told it.
    chunk.f64[(offset >> 3) + CHANGED_AT] = chunk.f64[(offset >> 3) + DEADLINE] ?? 0;
    chunk.f64[(offset >> 3) + DEADLINE] = deadline;
    return husk;
  }

  /** A record in the place of another: its header, another text, and the rest if that stays. The slab is left there. */
  private rewrite(handle: Handle, content: string, keepsRest: boolean): Handle {
    this.slab.locate(handle);
    const old = this.slab.chunk;
    const start = this.slab.offset;
    const header = Buffer.from(old.bytes.subarray(start, start + HEADER));
    const clientIdEnd = start + HEADER + (old.bytes[start + CLIENT_ID_LENGTH] ?? 0);
    const extraStart = clientIdEnd + (old.u32[(start >> 2) + CONTENT_LENGTH] ?? 0);
    const extraEnd = extraStart + (old.u32[(start >> 2) + EXTRA_LENGTH] ?? 0);
    const text = Buffer.from(content);
    const clientId = keepsRest ? Buffer.from(old.bytes.subarray(start + HEADER, clientIdEnd)) : NO_BYTES;
    const extra = keepsRest ? Buffer.from(old.bytes.subarray(extraStart, extraEnd)) : NO_BYTES;
    const fresh = this.slab.allocate(HEADER + clientId.length + text.length + extra.length);
    const { chunk, offset } = this.slab;
    Buffer.concat([header, clientId, text, extra]).copy(chunk.bytes, offset);
    chunk.bytes[offset + CLIENT_ID_LENGTH] = clientId.length;
    chunk.u32[(offset >> 2) + CONTENT_LENGTH] = text.length;
    chunk.u32[(offset >> 2) + EXTRA_LENGTH] = extra.length;
    this.slab.free(handle);
    this.slab.locate(fresh);
    return fresh;
  }

  /** Index into `MESSAGE_TYPES`. */
  private type(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.bytes[this.slab.offset + TYPE] ?? 0;
  }

  private rest(handle: Handle): Rest {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const u32 = offset >> 2;
    const length = chunk.u32[u32 + EXTRA_LENGTH] ?? 0;
    if (length === 0) {
      return NOTHING;
    }
    const before = (chunk.bytes[offset + CLIENT_ID_LENGTH] ?? 0) + (chunk.u32[u32 + CONTENT_LENGTH] ?? 0);
    return restOf(chunk.bytes, offset + HEADER + before, length);
  }

  private hasFlag(handle: Handle, flag: number): boolean {
    this.slab.locate(handle);
    return ((this.slab.chunk.bytes[this.slab.offset + FLAGS] ?? 0) & flag) !== 0;
  }

  private double(handle: Handle, field: number): number {
    this.slab.locate(handle);
    return this.slab.chunk.f64[(this.slab.offset >> 3) + field] ?? 0;
  }

  private idAt(bytes: Buffer, offset: number, createdAt: number): string {
    const random = bytes.toString('hex', offset + RANDOM_ID, offset + RANDOM_ID + ID_BYTES);
    return `${MESSAGE_ID_PREFIX}${createdAt}_${random}`;
  }
}

function restOf(bytes: Buffer, start: number, length: number): Rest {
  return JSON.parse(bytes.toString('utf8', start, start + length)) as Rest;
}
