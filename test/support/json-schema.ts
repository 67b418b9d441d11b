type Schema = Readonly<Record<string, unknown>>;
type Schemas = Readonly<Record<string, Schema>>;

const typeOf = (value: unknown): string => {
  if (value === null) {
    return 'null';
  }
  return Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
};

/**
 * What is wrong with a value by a schema of one of our documents: as much of JSON Schema as those use. Fields that a
 * schema does not name are wrong as well: the reference would not tell of them.
 */
export function problems(value: unknown, schema: Schema, schemas: Schemas, path = '$'): string[] {
  const { $ref, allOf, oneOf, type, enum: allowed, items, properties, required = [], additionalProperties } = schema;
  if (typeof $ref === 'string') {
    const target = schemas[$ref.replace('#/components/schemas/', '')];
    return target ? problems(value, target, schemas, path) : [`${path}: no schema ${$ref}`];
  }
  if (Array.isArray(allOf)) {
    return (allOf as Schema[]).flatMap((part) => problems(value, part, schemas, path));
  }
  if (Array.isArray(oneOf)) {
    const fitting = (oneOf as Schema[]).filter((one) => problems(value, one, schemas, path).length === 0);
    return fitting.length === 1 ? [] : [`${path}: fits ${fitting.length} of ${oneOf.length}`];
  }
  const types = [type].flat() as string[];
  const actual = typeOf(value);
  if (type !== undefined && !types.includes(actual) && !(actual === 'integer' && types.includes('number'))) {
    return [`${path}: ${actual}, not ${types.join(' or ')}`];
  }
  if (Array.isArray(allowed) && !allowed.includes(value)) {
    return [`${path}: not one of ${allowed.join(', ')}`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => problems(item, (items ?? {}) as Schema, schemas, `${path}[${i}]`));
  }
  if (actual !== 'object') {
    return [];
  }
  const known = (properties ?? {}) as Schemas;
  const given = Object.entries(value as object).filter(([, field]) => field !== undefined);
  const missing = (required as string[]).filter((name) => !given.some(([field]) => field === name));
  return [
    ...missing.map((name) => `${path}.${name}: missing`),
    ...given.flatMap(([name, field]) => {
      const own = known[name] ?? (additionalProperties as Schema | undefined);
      return own ? problems(field, own, schemas, `${path}.${name}`) : [`${path}.${name}: not in the schema`];
    }),
  ];
}
