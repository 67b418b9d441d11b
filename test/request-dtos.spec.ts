import { validateSync } from 'class-validator';
import fc from 'fast-check';
import { Binder, type DtoClass } from '../src/common/validation/dto-binder';
import { EnvDto } from '../src/config/env.dto';
import { fieldsOf, instanceOf, refusedFields, wrongFields } from './support/binding';
import { same } from './support/same';
import { sourceClasses } from './support/source-classes';

const SEED = 20260101;

const isDto = (value: unknown): value is DtoClass =>
  typeof value === 'function' && fieldsOf(value as DtoClass).length > 0;

/** Every class that a payload is bound to. */
const requests: [string, DtoClass][] = sourceClasses(/class-validator|validation\/decorators/)
  .filter((dto) => isDto(dto) && dto !== EnvDto)
  .map((dto) => [dto.name, dto]);

// Values that are right for some field of some class, nearly right, or meant to hurt.
const strings = fc.oneof(
  fc.constantFrom('alice', 'alice@example.com', 'password123', 'sent', 'seen', 'delivered', 'text', 'image', 'system'),
  fc.constantFrom('dm_1_2', 'c-42', '2030-01-01T12:00:00.000Z', '2030-02-30T12:00:00Z', 'now', '7', '07', '-1', '1e3'),
  fc.constantFrom(
    '',
    ' ',
    'ab',
    '\0\0\0\0',
    '\ud800',
    'e\u0301'.repeat(30),
    '💬'.repeat(16),
    'ü'.repeat(36),
    '__proto__',
  ),
  fc.constantFrom(...[20, 30, 31, 64, 65, 72, 73, 128, 129, 254, 255, 8192, 8193, 20_001].map((n) => 'x'.repeat(n))),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const numbers = fc.oneof(
  fc.constantFrom(0, 1, 7, 200, 201, -1, 1.5, NaN, Infinity, -0, 2_592_000, 2_592_001, 2 ** 53 - 1, 2 ** 53),
  fc.integer(),
);
const plain = fc.oneof(
  { arbitrary: strings, weight: 6 },
  { arbitrary: numbers, weight: 4 },
  { arbitrary: fc.constantFrom(null, undefined, true, false), weight: 3 },
);
const nested = fc.record({ messageTtl: fc.oneof(plain, fc.constant([7])), extra: plain }, { requiredKeys: [] });
// What a socket may carry: JSON and buffers.
const hostile = fc.oneof(
  nested,
  fc.array(fc.oneof(plain, nested), { maxLength: 3 }),
  fc.object({ maxDepth: 3 }),
  fc.constantFrom<unknown>(Buffer.from('x'), JSON.parse('{"__proto__":{"messageTtl":5},"constructor":{"name":"x"}}')),
);
const value = fc.oneof({ arbitrary: plain, weight: 6 }, { arbitrary: hostile, weight: 2 });

/** What the reference shows as a value of a field: a good one. */
function exampleOf(dto: DtoClass, field: string): unknown {
  const prototype = dto.prototype as object;
  const shown = Reflect.getMetadata('swagger/apiModelProperties', prototype, field) as
    { example?: unknown } | undefined;
  const type: unknown = Reflect.getMetadata('design:type', prototype, field);
  return isDto(type) ? Object.fromEntries(fieldsOf(type).map((name) => [name, exampleOf(type, name)])) : shown?.example;
}

/** Payloads for a class: good ones, those that are wrong in a field or two, junk; now and then with fields of others. */
function payloads(dto: DtoClass): fc.Arbitrary<Record<string, unknown>> {
  const extra = { unknown: value, constructor: fc.constant('x'), toString: fc.constant(1) };
  const ofFields = (field: (good: unknown) => fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> => {
    const own = fieldsOf(dto).map((name) => [name, field(exampleOf(dto, name))]);
    return fc.record({ ...(Object.fromEntries(own) as object), ...extra }, { requiredKeys: [], noNullPrototype: true });
  };
  const good = ofFields((example) => fc.constant(example));
  const near = ofFields((example) => fc.oneof({ arbitrary: fc.constant(example), weight: 3 }, value));
  return fc.oneof(
    { arbitrary: good, weight: 2 },
    { arbitrary: near, weight: 3 },
    ofFields(() => value),
  );
}

/** Compares what the binder makes of a good payload with what the libraries do. */
function sameInstance(dto: DtoClass, payload: object): void {
  const bound = Binder.of(dto).bind(payload) as Record<string, unknown>;
  const instance = instanceOf(dto, payload) as Record<string, unknown>;
  validateSync(instance, { whitelist: true });
  expect(bound).toBeInstanceOf(dto);
  for (const field of new Set([...Object.keys(bound), ...Object.keys(instance)])) {
    // Null is absent where a field may be absent, unless null has a meaning.
    expect(bound[field] ?? null).toEqual(instance[field] ?? null);
  }
}

describe('the requests of the API', () => {
  it('are known', () => {
    expect(requests.length).toBeGreaterThanOrEqual(15);
  });

  describe.each(requests)('such as %s', (_name, dto) => {
    it('are compiled', () => {
      expect(Binder.of(dto).compiled).toBe(true);
    });

    it('are refused where class-validator refuses, and else are what class-transformer gives', () => {
      let [good, bad] = [0, 0];
      fc.assert(
        fc.property(payloads(dto), (payload) => {
          const [refused, wrong] = [refusedFields(dto, payload), wrongFields(dto, payload)];
          same(refused, wrong ?? refused);
          good += wrong?.length === 0 ? 1 : 0;
          bad += wrong?.length ? 1 : 0;
          if (wrong?.length === 0) {
            sameInstance(dto, payload);
          }
        }),
        { seed: SEED, numRuns: 500 },
      );
      // Both kinds came, or the comparison says nothing.
      expect(good).toBeGreaterThan(20);
      expect(bad).toBeGreaterThan(20);
    });
  });
});
