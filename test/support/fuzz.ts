/** mulberry32: the same numbers for the same seed, so that what a run found can be found again. */
export class Random {
  constructor(private state: number) {}

  /** 0 ≤ x < 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** An object with this own property, whatever its name. */
const own = (name: string, value: unknown): object =>
  Object.defineProperty({}, name, { value, enumerable: true, configurable: true, writable: true });

/** What a client could put anywhere in a payload. Plain JSON values and binary; none of it is large. */
export const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER + 2,
  1e308,
  '',
  ' ',
  '\u0000',
  'null',
  '0',
  '-1',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u2066evil',
  'a\u0300'.repeat(300),
  '%00%0a%0d',
  '../../etc/passwd',
  '${jndi:ldap://x}',
  "'; DROP TABLE users; --",
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'msg_1_',
  'msg_99999999999999999999_x',
  `dm_${'_'.repeat(49)}`,
  `dm_${'0'.repeat(24)}_${'f'.repeat(24)}`,
  'x'.repeat(129),
  'x'.repeat(70_000),
  [],
  [[]],
  [null],
  ['x', 'y'],
  Array(1000).fill(0),
  {},
  { toString: 1 },
  { length: -1 },
  { then: 'x' },
  { type: 'Buffer', data: [1, 2] },
  { $gt: '' },
  { constructor: { prototype: { polluted: true } } },
  own('__proto__', { polluted: true }),
  own('__proto__', null),
  Buffer.alloc(0),
  Buffer.from('binary'),
  new Uint8Array([0, 255]),
  { deep: Buffer.from('binary') },
];

/** The payload with one of its fields, or one more, replaced. */
export function mutate(payload: object, random: Random): unknown {
  if (random.below(8) === 0) {
    return random.pick(NASTY);
  }
  const mutated: Record<string, unknown> = { ...payload };
  for (let count = 1 + random.below(3); count > 0; count--) {
    const field = random.pick([...Object.keys(payload), '__proto__', 'constructor', 'extra']);
    if (random.below(6) === 0) {
      delete mutated[field];
    } else {
      Object.defineProperty(mutated, field, { value: random.pick(NASTY), enumerable: true, configurable: true });
    }
  }
  return mutated;
}

/** Frames as text or binary that are no good, or good in the wrong place. */
export function rawPackets(token: string, random: Random): (string | Buffer)[] {
  const connect = `40${JSON.stringify({ token })}`;
  const placeholder = (num: unknown): string => `{"_placeholder":true,"num":${JSON.stringify(num)}}`;
  const noise = Array.from({ length: 20 }, () => {
    const bytes = Buffer.from(Array.from({ length: 1 + random.below(60) }, () => random.below(256)));
    return random.below(2) === 0 ? bytes : `4${bytes.toString('latin1')}`;
  });
  return [
    ...['', '0', '0{}', '2', '2probe', '3', '3probe', '5', '6', '7', '9', 'b', 'bAAAA', 'x', '\u0000', '\ud800'],
    ...['4', '40', '40{', '40{}', '40null', '40[]', '40"x"', connect, '42', '42[', '42{}', '42"x"', '42null'],
    ...['43', '43[]', '431[]', '43999999999[]', '44', '44{}', '44"x"', '45', '46', '47', '48', '4-1', '49'],
    ...['40/', '40/,', '40/__proto__,{}', '40/constructor,{}', `40/${'x'.repeat(100_000)},{}`, '41/x,', '42/x,["x"]'],
    ...['42["__proto__",{}]', '42["constructor"]', '42["hasOwnProperty",{}]', '42[["message:send"],{}]', '42[1e999]'],
    ...['42["disconnecting"]', '42["removeListener"]', '42["error",{"message":"x"}]', `42["${'x'.repeat(1e6)}"]`],
    ...[`42${'9'.repeat(400)}["typing:stop",{}]`, '42-1["typing:stop",{}]', '420x1["typing:stop",{}]'],
    ...['451-["x",', `451-["message:send",${placeholder(0)}]`, `4599999999-["message:send",${placeholder(0)}]`],
    ...['45-1-["x"]', '45x-["x"]', '451-', '450-["typing:stop",{}]', `450-["message:send",${placeholder(0)}]`],
    ...[placeholder(-1), placeholder('0'), placeholder(1e9), placeholder('__proto__')].map(
      (what) => `451-["x",${what}]`,
    ),
    ...[`42["message:send",${placeholder(0)}]`, `461-7[${placeholder(0)}]`, '4510000000000000000000-["x"]'],
    `42["message:send",${'['.repeat(100_000)}${']'.repeat(100_000)}]`,
    `42["message:send",${'{"roomId":'.repeat(100_000)}1${'}'.repeat(100_000)}]`,
    `42["message:send",${'['.repeat(100_000)}`,
    `42["message:send"${',1'.repeat(100_000)}]`,
    `451-["message:send",${'['.repeat(100_000)}${placeholder(0)}${']'.repeat(100_000)}]`,
    `42["room:join",{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join(',')}}]`,
    Buffer.alloc(0),
    Buffer.from('42["message:send",{}]'),
    Buffer.alloc(100_000, 0xff),
    ...noise,
  ];
}
