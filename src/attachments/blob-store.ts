import type { Readable } from 'node:stream';
import type { Awaitable } from '../common/awaitable';

/**
 * What a blob may be called: random, and nothing that a file system or an address could take for something else. No
 * separator, no NUL, one dot.
 */
const BLOB_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{15,127}\.[a-z0-9]{2,5}$/;

/** Whether a name, which may come from anybody, is one that a blob can have. */
export function isBlobName(name: string): boolean {
  return BLOB_NAME.test(name);
}

/** A blob that is being read. The stream must be read to its end or destroyed: it holds a descriptor or a connection. */
export interface OpenedBlob {
  /** Bytes. */
  readonly size: number;
  readonly stream: Readable;
}

/**
 * Bytes under random names, shared by all nodes. It knows neither owners nor lifetimes. A blob is there whole or not at
 * all, is never changed, and its name is never used again.
 */
export abstract class BlobStore {
  /**
   * Stores a file of this node. The file is the store's from now on, and is gone when the promise settles, also on a
   * failure. @throws where the name is none (see `isBlobName`) or the bytes could not be stored: then there is no blob
   */
  abstract putFile(name: string, path: string): Promise<void>;

  /** Stores what the stream gives. @throws as `putFile`, and with the stream's own error; nothing is left then */
  abstract putStream(name: string, content: Readable): Promise<void>;

  /** Undefined: there is no such blob, or it is no name of one. */
  abstract open(name: string): Promise<OpenedBlob | undefined>;

  /** Who reads it already may read on. Absent, and no name of one, is fine. */
  abstract delete(name: string): Promise<void>;

  /** Names of blobs that were stored at least so many milliseconds ago, in no order; changes meanwhile may be missed. */
  abstract listOlderThan(ageMs: number): AsyncIterable<string>;

  /** Whether blobs can be stored: at start. @throws where they cannot */
  abstract prepare(): Awaitable<void>;
}
