import { randomBytes } from 'node:crypto';

const TAIL = /^[a-z0-9]+/;
const TAIL_BYTES = 64;

/** Where something was found. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Unique strings, one for each way into the server, and the search for them. */
export class Needles {
  /** Lower-case letters and digits: the same in JSON, in an address and in a name without case. */
  private readonly mark = `zq${randomBytes(6).toString('hex')}`;
  private readonly patterns = encodingsOf(this.mark);
  /** Bytes that stand for themselves, such as those of a picture. */
  private readonly byName = new Map<string, Buffer>();

  /** The needle for a way in; `way` is of letters and digits. */
  of(way: string): string {
    return `${this.mark}${way}`;
  }

  /** Looks for these bytes under this name as well. */
  addBytes(way: string, bytes: Buffer): void {
    this.byName.set(way, bytes);
  }

  /** The ways whose needles are in the bytes, in whatever encoding. One that cannot be read on is called `?`. */
  in(bytes: Buffer): Set<string> {
    const ways = new Set<string>();
    for (const { pattern, decode } of this.patterns) {
      for (let at = bytes.indexOf(pattern); at >= 0; at = bytes.indexOf(pattern, at + 1)) {
        const [way = '?'] =
          TAIL.exec(decode(bytes.subarray(at + pattern.length, at + pattern.length + TAIL_BYTES))) ?? [];
        // Another may follow at once.
        ways.add(way.split(this.mark)[0] ?? way);
      }
    }
    for (const [way, needle] of this.byName) {
      if (bytes.includes(needle)) {
        ways.add(way);
      }
    }
    return ways;
  }

  /** `<place>: <way>` for all that is found. */
  search(places: readonly Place[]): string[] {
    const found = places.flatMap(({ name, bytes }) => [...this.in(bytes)].map((way) => `${name}: ${way}`));
    return [...new Set(found)].sort();
  }
}

interface Encoding {
  readonly pattern: Buffer;
  /** What follows the mark, as text. */
  readonly decode: (bytes: Buffer) => string;
}

function encodingsOf(mark: string): Encoding[] {
  const unknown = (): string => '';
  const base64 = [0, 1, 2].map((shift) => {
    // Only whole groups of three bytes look the same whatever stands around them.
    const skip = (3 - shift) % 3;
    const whole = mark.slice(skip, skip + 3 * Math.floor((mark.length - skip) / 3));
    return { pattern: Buffer.from(Buffer.from(whole).toString('base64')), decode: unknown };
  });
  return [
    { pattern: Buffer.from(mark), decode: (bytes) => bytes.toString('latin1') },
    { pattern: Buffer.from(mark, 'utf16le'), decode: (bytes) => bytes.toString('utf16le') },
    { pattern: Buffer.from(Buffer.from(mark).toString('hex')), decode: unknown },
    ...base64,
  ];
}
