import fc from 'fast-check';

export const USERS = ['alice', 'bob', 'stranger'];
export const ROOMS = ['room-1', 'room-2'];

type Kind = 'text' | 'system' | 'burn' | 'untilSeen';
type Move = 'enter' | 'leave' | 'forget';
export type Operation =
  | { do: 'open' | 'sweepAll'; room: string }
  | { do: 'append'; room: string; user: string; ttl?: number; clientId?: string; kind: Kind; replyTo?: number }
  | { do: 'edit'; room: string; user: string; seq: number; content: string }
  | { do: 'delete'; room: string; user: string; seq: number }
  | { do: 'react'; room: string; user: string; seq: number; emoji: string; action: 'added' | 'removed' }
  | { do: 'reveal'; room: string; user: string; seq: number; revealId?: string }
  | { do: 'raise'; room: string; user: string; seen: boolean; upTo: number; single: boolean }
  | { do: 'advance'; seconds: number }
  | { do: 'sweep'; room: string; limit: number }
  | { do: 'close'; room: string; stale?: boolean }
  | { do: 'configure'; room: string; ttl: number | null }
  | { do: 'key'; room: string; user: string; key: string }
  | { do: Move; room: string; user: string; socket: string };

const room = fc.constantFrom(...ROOMS);
const user = fc.constantFrom(...USERS);
const seq = fc.integer({ min: 1, max: 15 });
const member = fc.constantFrom('alice', 'bob');
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

/** An operation of this name with these fields. */
function operation<K extends string, T extends object>(
  name: K,
  fields: { [F in keyof T]: fc.Arbitrary<T[F]> },
): fc.Arbitrary<{ do: K } & T> {
  return fc.record<T>(fields).map((drawn) => ({ do: name, ...drawn }));
}

const append = operation('append', {
  room,
  user: member,
  ttl: optional(fc.constantFrom(1, 2, 3, 30, 3000)),
  clientId: optional(fc.constantFrom('c1', 'c2')),
  kind: fc.oneof(
    { arbitrary: fc.constant<Kind>('text'), weight: 4 },
    fc.constantFrom<Kind[]>('system', 'burn', 'untilSeen'),
  ),
  replyTo: fc.option(seq, { nil: undefined, freq: 3 }),
});
const edit = operation('edit', {
  room,
  user,
  seq,
  content: fc.constantFrom('edited', 'edited again', 'x'.repeat(300)),
});
const react = operation('react', {
  room,
  user,
  seq,
  emoji: fc.constantFrom('👍', '😀'),
  action: fc.constantFrom<('added' | 'removed')[]>('added', 'added', 'removed'),
});
const reveal = operation('reveal', {
  room,
  user,
  seq,
  revealId: optional(fc.constantFrom('r1', 'r2')),
});
const raise = operation('raise', { room, user, seen: fc.boolean(), upTo: fc.nat(15), single: fc.boolean() });
const occupant = { room, user: member, socket: fc.constantFrom('s1', 's2') };
const move = fc.oneof(operation('enter', occupant), operation('leave', occupant), operation('forget', occupant));

/** Things that may happen to two rooms, weighted so that rooms fill, expire and now and then end. */
export const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Operation>[]>(
    { arbitrary: operation('open', { room }), weight: 2 },
    { arbitrary: append, weight: 8 },
    { arbitrary: raise, weight: 4 },
    { arbitrary: reveal, weight: 4 },
    { arbitrary: edit, weight: 2 },
    { arbitrary: react, weight: 3 },
    { arbitrary: operation('delete', { room, user, seq }), weight: 2 },
    { arbitrary: operation('advance', { seconds: fc.constantFrom(0.001, 1, 1, 2, 30, 600) }), weight: 3 },
    { arbitrary: operation('sweep', { room, limit: fc.integer({ min: 1, max: 4 }) }), weight: 2 },
    { arbitrary: operation('sweepAll', { room }), weight: 1 },
    { arbitrary: move, weight: 3 },
    { arbitrary: operation('close', { room, stale: optional(fc.boolean()) }), weight: 1 },
    { arbitrary: operation('configure', { room, ttl: fc.constantFrom(1, 60, null) }), weight: 1 },
    { arbitrary: operation('key', { room, user: member, key: fc.constantFrom('k1', 'k2') }), weight: 1 },
  ),
  { minLength: 5, maxLength: 60, size: 'max' },
);
