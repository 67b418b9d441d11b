import { MESSAGE_TYPES } from '../engine/message';
import { Field, Flag } from './record-layout';
import type { Handle, Slab } from './slab';

const NO_BYTES = Buffer.alloc(0);
const DELETED = MESSAGE_TYPES.indexOf('deleted');

/** A record in the place of another: its header, another text, and the rest if that stays. The slab is left there. */
export function rewrite(slab: Slab, handle: Handle, content: string, keepsRest: boolean): Handle {
  slab.locate(handle);
  const old = slab.chunk;
  const start = slab.offset;
  const header = Buffer.from(old.bytes.subarray(start, start + Field.HeaderEnd));
  const clientIdEnd = start + Field.HeaderEnd + (old.bytes[start + Field.ClientIdLength] ?? 0);
  const extraStart = clientIdEnd + (old.u32[(start >> 2) + Field.ContentLength] ?? 0);
  const extraEnd = extraStart + (old.u32[(start >> 2) + Field.ExtraLength] ?? 0);
  const text = Buffer.from(content);
  const clientId = keepsRest ? Buffer.from(old.bytes.subarray(start + Field.HeaderEnd, clientIdEnd)) : NO_BYTES;
  const extra = keepsRest ? Buffer.from(old.bytes.subarray(extraStart, extraEnd)) : NO_BYTES;
  const fresh = slab.allocate(Field.HeaderEnd + clientId.length + text.length + extra.length);
  const { chunk, offset } = slab;
  Buffer.concat([header, clientId, text, extra]).copy(chunk.bytes, offset);
  chunk.bytes[offset + Field.ClientIdLength] = clientId.length;
  chunk.u32[(offset >> 2) + Field.ContentLength] = text.length;
  chunk.u32[(offset >> 2) + Field.ExtraLength] = extra.length;
  slab.free(handle);
  slab.locate(fresh);
  return fresh;
}

/** See `MessageRecords.reduceToTombstone`. */
export function reduceToTombstone(slab: Slab, handle: Handle, content: string): Handle {
  const tombstone = rewrite(slab, handle, content, false);
  const { chunk, offset } = slab;
  chunk.bytes[offset + Field.Type] = DELETED;
  chunk.bytes[offset + Field.Flags] = 0;
  return tombstone;
}

/** See `MessageRecords.reduceToHusk`. */
export function reduceToHusk(slab: Slab, handle: Handle, deadline: number): Handle {
  slab.locate(handle);
  const header = Buffer.from(slab.chunk.bytes.subarray(slab.offset, slab.offset + Field.HeaderEnd));
  slab.free(handle);
  const husk = slab.allocate(Field.HeaderEnd);
  const { chunk, offset } = slab;
  header.copy(chunk.bytes, offset);
  chunk.bytes[offset + Field.Flags] = Flag.Husk;
  chunk.bytes[offset + Field.ClientIdLength] = 0;
  chunk.u32[(offset >> 2) + Field.ContentLength] = 0;
  chunk.u32[(offset >> 2) + Field.ExtraLength] = 0;
  // The message's own deadline moves to `ChangedAt`, which a husk has no use for: a repeated send is told it.
  chunk.f64[(offset >> 3) + Field.ChangedAt] = chunk.f64[(offset >> 3) + Field.Deadline] ?? 0;
  chunk.f64[(offset >> 3) + Field.Deadline] = deadline;
  return husk;
}
