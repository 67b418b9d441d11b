import fc from 'fast-check';
import { same } from '../../../test/support/same';
import { type Handle, NO_HANDLE, Slab } from './slab';

const SEED = 20260101;
const LARGEST = 128 * 1024;
const CHUNK_BYTES = 128 * 1024;

/** A slot as a test knows it: filled to its last byte with one value. */
interface Slot {
  readonly handle: Handle;
  readonly size: number;
  readonly mark: number;
}

/** The bytes of a slot, where they lie. */
function bytesOf(slab: Slab, handle: Handle, size: number): Buffer {
  slab.locate(handle);
  return slab.chunk.bytes.subarray(slab.offset, slab.offset + Slab.slotSize(size));
}

function allocate(slab: Slab, size: number, mark: number): Slot {
  const handle = slab.allocate(size);
  const located = slab.chunk.bytes.subarray(slab.offset, slab.offset + Slab.slotSize(size));
  const slot = bytesOf(slab, handle, size);
  same([located.byteOffset, located.buffer === slot.buffer], [slot.byteOffset, true]);
  same(slot.equals(Buffer.alloc(slot.length)), true);
  slot.fill(mark);
  return { handle, size, mark };
}

function free(slab: Slab, { handle, size }: Slot): void {
  const bytes = bytesOf(slab, handle, size);
  slab.free(handle);
  same(bytes.equals(Buffer.alloc(bytes.length)), true);
}

/** Chunks that the slab holds on to. */
const chunksOf = (slab: Slab): number =>
  slab['classes'].reduce((sum, { chunks }) => sum + chunks.filter((chunk) => chunk !== undefined).length, 0);

// Small ones most of all, and those around the steps between two sizes.
const size = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 700 }), weight: 6 },
  { arbitrary: fc.constantFrom(63, 64, 65, 127, 128, 129, 144, 145, 1023, 1024, 1025), weight: 2 },
  { arbitrary: fc.integer({ min: 700, max: LARGEST }), weight: 1 },
);
const step = fc.oneof(
  { arbitrary: fc.record({ size, mark: fc.integer({ min: 1, max: 255 }) }), weight: 3 },
  { arbitrary: fc.record({ free: fc.nat(1_000_000) }), weight: 2 },
);

describe('a slab', () => {
  it('never lets two slots overlap, zeroes what is freed, and counts its bytes, in any order of operations', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const slab = new Slab();
        const slots: Slot[] = [];
        for (const one of steps) {
          if ('size' in one) {
            slots.push(allocate(slab, one.size, one.mark));
          } else if (slots.length > 0) {
            const [slot] = slots.splice(one.free % slots.length, 1);
            if (slot) {
              free(slab, slot);
            }
          }
          same(
            slab.bytes,
            slots.reduce((sum, slot) => sum + Slab.slotSize(slot.size), 0),
          );
        }
        same(new Set(slots.map(({ handle }) => handle)).size, slots.length);
        for (const { handle, size, mark } of slots) {
          const bytes = bytesOf(slab, handle, size);
          same(bytes.equals(Buffer.alloc(bytes.length, mark)), true);
        }
        slots.forEach((slot) => free(slab, slot));
        expect(slab.bytes).toBe(0);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('takes slots that are at most an eighth too large, and aligned for numbers', () => {
    for (let size = 0; size <= LARGEST; size += size < 5000 ? 1 : 97) {
      const slot = Slab.slotSize(size);
      same([slot >= size, slot <= Math.max(64, size * 1.125 + 8), slot % 8], [true, true, 0]);
    }
    expect(Slab.slotSize(LARGEST)).toBe(LARGEST);
  });

  it('keeps a handle good while everything around it comes and goes', () => {
    const slab = new Slab();
    const kept = Array.from({ length: 20 }, (_, i) => allocate(slab, 1000, i + 1));
    for (let round = 0; round < 5; round++) {
      const others = Array.from({ length: 1000 }, () => allocate(slab, 1000, 255));
      others.forEach((slot) => free(slab, slot));
    }
    for (const { handle, size, mark } of kept) {
      expect(bytesOf(slab, handle, size).every((byte) => byte === mark)).toBe(true);
    }
  });

  it('gives chunks back that hold nothing, but one a size', () => {
    const slab = new Slab();
    const perChunk = Math.floor(CHUNK_BYTES / 1024);
    const slots = Array.from({ length: perChunk * 10 }, () => allocate(slab, 1024, 1));
    expect(chunksOf(slab)).toBe(10);
    // The last slot of every second chunk stays.
    const [staying, going] = [
      slots.filter((_, i) => i % (2 * perChunk) === 0),
      slots.filter((_, i) => i % (2 * perChunk)),
    ];
    going.forEach((slot) => free(slab, slot));
    expect(chunksOf(slab)).toBeLessThanOrEqual(6);
    staying.forEach((slot) => free(slab, slot));
    expect(chunksOf(slab)).toBe(1);
    const again = Array.from({ length: perChunk * 10 }, () => allocate(slab, 1024, 2));
    expect(new Set(again.map(({ handle }) => handle)).size).toBe(perChunk * 10);
    expect(chunksOf(slab)).toBe(10);
  });

  it('refuses what is no slot, and what no slot could hold', () => {
    const slab = new Slab();
    expect(() => slab.allocate(LARGEST + 1)).toThrow(RangeError);
    for (const handle of [NO_HANDLE, 0, 10 ** 12]) {
      expect(() => slab.locate(handle)).toThrow(RangeError);
    }
  });
});
