/** A slot of the slab: a small integer, reused after `free`. */
export type Handle = number;

/** No slot. */
export const NO_HANDLE: Handle = -1;

const ALIGNMENT = 8;
const SMALLEST_EXPONENT = 6;
const SMALLEST = 2 ** SMALLEST_EXPONENT;
/** Sizes between two powers of two: a slot is at most an eighth larger than what it holds. */
const STEPS_PER_DOUBLING = 8;
const LARGEST = 128 * 1024;
const CHUNK_BYTES = 128 * 1024;
/** Bits of a handle that number the slots of one size: 16.7 million. */
const INDEX_BITS = 24;
const MAX_SLOTS = 2 ** INDEX_BITS;

const SIZES = slotSizes();

export interface Chunk {
  readonly bytes: Buffer;
  readonly f64: Float64Array;
  readonly u32: Uint32Array;
  readonly free: number[];
  used: number;
  /** In the list of chunks with room. */
  listed: boolean;
}

interface SizeClass {
  readonly size: number;
  readonly slotsPerChunk: number;
  readonly chunks: (Chunk | undefined)[];
  /** Chunks that have a free slot. */
  readonly withRoom: number[];
  /** Numbers of chunks that were given back. */
  readonly vacant: number[];
}

/**
 * Variable-sized records in byte arrays outside the garbage-collected heap: 100-byte messages as plain objects were
 * measured at 450–540 bytes each and at a fifth of the send path's CPU in garbage collection. What is freed is
 * overwritten at once, and a chunk without records is given back.
 */
export class Slab {
  /** Where the last `locate` found the slot. Fields, so that the hot path allocates nothing. */
  chunk: Chunk;
  offset = 0;
  private readonly classes: SizeClass[] = SIZES.map((size) => ({
    size,
    slotsPerChunk: Math.max(8, Math.floor(CHUNK_BYTES / size)),
    chunks: [],
    withRoom: [],
    vacant: [],
  }));
  private usedBytes = 0;

  constructor() {
    this.chunk = newChunk(SMALLEST, 0);
  }

  /** Bytes of all slots in use. */
  get bytes(): number {
    return this.usedBytes;
  }

  /** Bytes of the slot that a record of `size` bytes takes. @throws RangeError past 128 KiB */
  static slotSize(size: number): number {
    return SIZES[classOf(size)] ?? LARGEST;
  }

  /** A slot of at least `size` bytes, all zero, located. @throws RangeError past 128 KiB or 16.7 million of a size */
  allocate(size: number): Handle {
    const number = classOf(size);
    const sizeClass = this.classAt(number);
    let chunkNumber = sizeClass.withRoom.at(-1);
    if (chunkNumber === undefined) {
      chunkNumber = this.addChunk(sizeClass);
    }
    const chunk = chunkAt(sizeClass, chunkNumber);
    const slot = chunk.free.pop() ?? 0;
    chunk.used++;
    if (chunk.free.length === 0) {
      chunk.listed = false;
      sizeClass.withRoom.pop();
    }
    this.usedBytes += sizeClass.size;
    this.chunk = chunk;
    this.offset = slot * sizeClass.size;
    return number * MAX_SLOTS + chunkNumber * sizeClass.slotsPerChunk + slot;
  }

  /** Points `chunk` and `offset` at a slot. */
  locate(handle: Handle): void {
    const sizeClass = this.classAt(Math.floor(handle / MAX_SLOTS));
    const index = handle % MAX_SLOTS;
    const chunkNumber = Math.floor(index / sizeClass.slotsPerChunk);
    this.chunk = chunkAt(sizeClass, chunkNumber);
    this.offset = (index - chunkNumber * sizeClass.slotsPerChunk) * sizeClass.size;
  }

  /** Overwrites a slot and gives it back. */
  free(handle: Handle): void {
    const sizeClass = this.classAt(Math.floor(handle / MAX_SLOTS));
    const index = handle % MAX_SLOTS;
    const chunkNumber = Math.floor(index / sizeClass.slotsPerChunk);
    const chunk = chunkAt(sizeClass, chunkNumber);
    const slot = index - chunkNumber * sizeClass.slotsPerChunk;
    chunk.bytes.fill(0, slot * sizeClass.size, (slot + 1) * sizeClass.size);
    chunk.free.push(slot);
    chunk.used--;
    this.usedBytes -= sizeClass.size;
    if (!chunk.listed) {
      chunk.listed = true;
      sizeClass.withRoom.push(chunkNumber);
    }
    if (chunk.used === 0 && sizeClass.withRoom.length > 1) {
      sizeClass.withRoom.splice(sizeClass.withRoom.indexOf(chunkNumber), 1);
      sizeClass.chunks[chunkNumber] = undefined;
      sizeClass.vacant.push(chunkNumber);
    }
  }

  private classAt(number: number): SizeClass {
    const sizeClass = this.classes[number];
    if (!sizeClass) {
      throw new RangeError('No such slot');
    }
    return sizeClass;
  }

  private addChunk(sizeClass: SizeClass): number {
    const number = sizeClass.vacant.pop() ?? sizeClass.chunks.length;
    if ((number + 1) * sizeClass.slotsPerChunk > MAX_SLOTS) {
      throw new RangeError('Too many records of one size');
    }
    sizeClass.chunks[number] = newChunk(sizeClass.size, sizeClass.slotsPerChunk);
    sizeClass.withRoom.push(number);
    return number;
  }
}

function chunkAt(sizeClass: SizeClass, number: number): Chunk {
  const chunk = sizeClass.chunks[number];
  if (!chunk) {
    throw new RangeError('No such slot');
  }
  return chunk;
}

function newChunk(size: number, slots: number): Chunk {
  const bytes = Buffer.alloc(size * slots);
  const { buffer, byteOffset, length } = bytes;
  return {
    bytes,
    f64: new Float64Array(buffer, byteOffset, length / 8),
    u32: new Uint32Array(buffer, byteOffset, length / 4),
    free: Array.from({ length: slots }, (_, index) => slots - 1 - index),
    used: 0,
    listed: true,
  };
}

function slotSizes(): number[] {
  const sizes = [SMALLEST];
  for (let base = SMALLEST; base < LARGEST; base *= 2) {
    for (let step = 1; step <= STEPS_PER_DOUBLING; step++) {
      sizes.push(base + Math.ceil((base * step) / STEPS_PER_DOUBLING / ALIGNMENT) * ALIGNMENT);
    }
  }
  return sizes;
}

function classOf(size: number): number {
  if (size <= SMALLEST) {
    return 0;
  }
  if (size > LARGEST) {
    throw new RangeError('The record is too large');
  }
  // floor(log2(size − 1)): the doubling that the size lies in.
  const exponent = 31 - Math.clz32(size - 1);
  const base = 2 ** exponent;
  const step = Math.ceil(((size - base) * STEPS_PER_DOUBLING) / base);
  return (exponent - SMALLEST_EXPONENT) * STEPS_PER_DOUBLING + step;
}
