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
import { Field, Flag } from './record-layout';
import { reduceToHusk, reduceToTombstone, rewrite } from './record-rewriting';
import { type Handle, Slab } from './slab';

/** Most ms in 32 bits with one added: 49 days. Only rooms that keep their history have older messages, and marks for these times. */
const LONGEST_AFTER = 2 ** 32 - 2;

/** What few messages have. */
interface Rest {
  readonly system?: SystemNote | undefined;
  readonly image?: MessageImage | undefined;
  readonly seenTtl?: number | undefined;
}

const NOTHING: Rest = {};
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
    const size = Field.HeaderEnd + clientIdLength + contentLength + extraLength;
    const handle = slab.allocate(size);
    const { chunk, offset } = slab;
    const f64 = offset >> 3;
    const u32 = offset >> 2;
    chunk.f64[f64 + Field.CreatedAt] = message.createdAt;
    chunk.f64[f64 + Field.Deadline] = message.expiresAt ?? 0;
    chunk.f64[f64 + Field.ChangedAt] = message.createdAt;
    chunk.f64[f64 + Field.DedupeKey] = dedupeKey;
    chunk.u32[u32 + Field.Seq] = message.seq;
    chunk.u32[u32 + Field.Sender] = sender;
    chunk.u32[u32 + Field.ContentLength] = contentLength;
    chunk.u32[u32 + Field.ExtraLength] = extraLength;
    chunk.bytes.write(message.id.slice(-2 * ID_BYTES), offset + Field.RandomId, 'hex');
    chunk.bytes[offset + Field.Type] = MESSAGE_TYPES.indexOf(message.type);
    chunk.bytes[offset + Field.Status] = MESSAGE_STATUSES.indexOf(message.status);
    chunk.bytes[offset + Field.Flags] = message.burn ? Flag.Burn : 0;
    chunk.bytes[offset + Field.ClientIdLength] = clientIdLength;
    const text = offset + Field.HeaderEnd;
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
    const createdAt = chunk.f64[(offset >> 3) + Field.CreatedAt] ?? 0;
    const deadline = chunk.f64[(offset >> 3) + Field.Deadline] ?? 0;
    const sender = people[words[u32 + Field.Sender] ?? 0];
    const clientIdEnd = offset + Field.HeaderEnd + (bytes[offset + Field.ClientIdLength] ?? 0);
    const contentEnd = clientIdEnd + (words[u32 + Field.ContentLength] ?? 0);
    const extraLength = words[u32 + Field.ExtraLength] ?? 0;
    const rest = extraLength === 0 ? NOTHING : restOf(bytes, contentEnd, extraLength);
    return {
      id: this.idAt(chunk.bytes, offset, createdAt),
      roomId,
      seq: words[u32 + Field.Seq] ?? 0,
      senderId: sender?.userId ?? '',
      senderUsername: sender?.username ?? '',
      type: MESSAGE_TYPES[bytes[offset + Field.Type] ?? 0] ?? 'text',
      content: bytes.toString('utf8', clientIdEnd, contentEnd),
      status: MESSAGE_STATUSES[bytes[offset + Field.Status] ?? 0] ?? 'sent',
      createdAt,
      expiresAt: deadline === 0 ? null : deadline,
      clientId:
        clientIdEnd > offset + Field.HeaderEnd
          ? bytes.toString('utf8', offset + Field.HeaderEnd, clientIdEnd)
          : undefined,
      system: rest.system,
      image: rest.image,
      burn: ((bytes[offset + Field.Flags] ?? 0) & Flag.Burn) !== 0,
      // What a room adds to it, see `Annotations`.
      replyTo: undefined,
      editedAt: undefined,
      reactions: undefined,
    };
  }

  id(handle: Handle): string {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    return this.idAt(chunk.bytes, offset, chunk.f64[(offset >> 3) + Field.CreatedAt] ?? 0);
  }

  createdAt(handle: Handle): number {
    return this.double(handle, Field.CreatedAt);
  }

  /** Epoch ms; `Infinity` where the message is kept. */
  deadline(handle: Handle): number {
    return this.double(handle, Field.Deadline) || Infinity;
  }

  changedAt(handle: Handle): number {
    return this.double(handle, Field.ChangedAt);
  }

  dedupeKey(handle: Handle): number {
    return this.double(handle, Field.DedupeKey);
  }

  seq(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + Field.Seq] ?? 0;
  }

  /** Index into the room's people. */
  sender(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + Field.Sender] ?? 0;
  }

  /** Bytes of the content. */
  contentLength(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.u32[(this.slab.offset >> 2) + Field.ContentLength] ?? 0;
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
    return this.hasFlag(handle, Flag.Changed) && this.changedAt(handle) >= at;
  }

  isHusk(handle: Handle): boolean {
    return this.hasFlag(handle, Flag.Husk);
  }

  isBurn(handle: Handle): boolean {
    return this.hasFlag(handle, Flag.Burn);
  }

  isBurning(handle: Handle): boolean {
    return this.hasFlag(handle, Flag.Burning);
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
    chunk.f64[(offset >> 3) + Field.Deadline] = deadline;
    if (burning) {
      chunk.bytes[offset + Field.Flags] = (chunk.bytes[offset + Field.Flags] ?? 0) | Flag.Burning;
    }
  }

  /** Index into `MESSAGE_STATUSES`. */
  statusRank(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.bytes[this.slab.offset + Field.Status] ?? 0;
  }

  setStatus(handle: Handle, status: MessageStatus, at: number): void {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const rank = MESSAGE_STATUSES.indexOf(status);
    const u32 = offset >> 2;
    const after = Math.min(at - (chunk.f64[(offset >> 3) + Field.CreatedAt] ?? 0), LONGEST_AFTER) + 1;
    chunk.bytes[offset + Field.Status] = rank;
    if (rank > SENT && chunk.u32[u32 + Field.DeliveredAfter] === 0) {
      chunk.u32[u32 + Field.DeliveredAfter] = after;
    }
    if (rank === SEEN) {
      chunk.u32[u32 + Field.SeenAfter] = after;
    }
    this.touch(handle, at);
  }

  /** When the message became delivered, and seen, epoch ms; of messages older than 49 days then: too early. */
  statusTimes(handle: Handle): { deliveredAt: number | undefined; seenAt: number | undefined } {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const createdAt = chunk.f64[(offset >> 3) + Field.CreatedAt] ?? 0;
    const time = (after = 0): number | undefined => (after === 0 ? undefined : createdAt + after - 1);
    const u32 = offset >> 2;
    return { deliveredAt: time(chunk.u32[u32 + Field.DeliveredAfter]), seenAt: time(chunk.u32[u32 + Field.SeenAfter]) };
  }

  /** Notes a change, epoch ms. */
  touch(handle: Handle, at: number): void {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    chunk.f64[(offset >> 3) + Field.ChangedAt] = at;
    chunk.bytes[offset + Field.Flags] = (chunk.bytes[offset + Field.Flags] ?? 0) | Flag.Changed;
  }

  /** Gives a message another text; the old one is overwritten. Another handle. @throws RangeError as `write` */
  edit(handle: Handle, content: string): Handle {
    return rewrite(this.slab, handle, content, true);
  }

  /** Erases a message down to its header and a text that stands for it. Another handle. */
  reduceToTombstone(handle: Handle, content: string): Handle {
    return reduceToTombstone(this.slab, handle, content);
  }

  /** Overwrites and gives back a record. */
  free(handle: Handle): void {
    this.slab.free(handle);
  }

  /** Erases a record down to its header (id, seq, times, hash of the clientId), to end at `deadline`. Another handle. */
  reduceToHusk(handle: Handle, deadline: number): Handle {
    return reduceToHusk(this.slab, handle, deadline);
  }

  /** Index into `MESSAGE_TYPES`. */
  private type(handle: Handle): number {
    this.slab.locate(handle);
    return this.slab.chunk.bytes[this.slab.offset + Field.Type] ?? 0;
  }

  private rest(handle: Handle): Rest {
    this.slab.locate(handle);
    const { chunk, offset } = this.slab;
    const u32 = offset >> 2;
    const length = chunk.u32[u32 + Field.ExtraLength] ?? 0;
    if (length === 0) {
      return NOTHING;
    }
    const before = (chunk.bytes[offset + Field.ClientIdLength] ?? 0) + (chunk.u32[u32 + Field.ContentLength] ?? 0);
    return restOf(chunk.bytes, offset + Field.HeaderEnd + before, length);
  }

  private hasFlag(handle: Handle, flag: number): boolean {
    this.slab.locate(handle);
    return ((this.slab.chunk.bytes[this.slab.offset + Field.Flags] ?? 0) & flag) !== 0;
  }

  private double(handle: Handle, field: number): number {
    this.slab.locate(handle);
    return this.slab.chunk.f64[(this.slab.offset >> 3) + field] ?? 0;
  }

  private idAt(bytes: Buffer, offset: number, createdAt: number): string {
    const random = bytes.toString('hex', offset + Field.RandomId, offset + Field.RandomId + ID_BYTES);
    return `${MESSAGE_ID_PREFIX}${createdAt}_${random}`;
  }
}

function restOf(bytes: Buffer, start: number, length: number): Rest {
  return JSON.parse(bytes.toString('utf8', start, start + length)) as Rest;
}
