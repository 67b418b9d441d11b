import { type JsonSchema, type JsonSchemas, resolved } from './json-schema';

/**
 * A payload made of the examples of its fields: of required ones always, of optional ones where they have an example of
 * their own. Undefined where a field lacks one.
 */
export function exampleOf(schema: JsonSchema, schemas: JsonSchemas): unknown {
  const { examples, properties, items, allOf, oneOf, type } = resolved(schema, schemas);
  if (Array.isArray(examples)) {
    return examples[0] as unknown;
  }
  if (Array.isArray(allOf)) {
    return Object.assign({}, ...(allOf as JsonSchema[]).map((part) => exampleOf(part, schemas))) as object;
  }
  if (Array.isArray(oneOf)) {
    return exampleOf(oneOf[0] as JsonSchema, schemas);
  }
  if (items !== undefined) {
    return [exampleOf(items as JsonSchema, schemas)];
  }
  return properties === undefined && type !== 'object' ? undefined : objectOf(resolved(schema, schemas), schemas);
}

function objectOf({ properties = {}, required = [] }: JsonSchema, schemas: JsonSchemas): object {
  const shown = Object.entries(properties as Record<string, JsonSchema>).filter(
    ([name, property]) => (required as string[]).includes(name) || property.examples !== undefined,
  );
  return Object.fromEntries(shown.map(([name, property]) => [name, exampleOf(property, schemas)]));
}
