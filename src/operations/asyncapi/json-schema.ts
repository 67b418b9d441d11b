import type { INestApplication, Type } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { CommonModule } from '../../common/common.module';

/** A schema of AsyncAPI, which is JSON Schema draft 07. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

export type JsonSchemas = Readonly<Record<string, JsonSchema>>;

/**
 * Schemas of these DTO classes and of those that they name, by class name: the very ones that OpenAPI gets, translated.
 * @throws Error where two classes have one name: the reference could only show one of them
 */
export function jsonSchemas(app: INestApplication, classes: Iterable<Type<object>>): JsonSchemas {
  const named = new Map<string, Type<object>>();
  for (const type of classes) {
    if ((named.get(type.name) ?? type) !== type) {
      throw new Error(`Two classes of event payloads are called ${type.name}`);
    }
    named.set(type.name, type);
  }
  // Of a module without routes nothing is left but the schemas.
  const options = { include: [CommonModule], extraModels: [...named.values()] };
  const { components } = SwaggerModule.createDocument(app, new DocumentBuilder().build(), options);
  return translateAll(components?.schemas ?? {});
}

/** The reference to a schema of the document. */
export function schemaRef(type: Type<object>): JsonSchema {
  return { $ref: `#/components/schemas/${type.name}` };
}

/** The schema behind a reference, or the schema itself. */
export function resolved(schema: JsonSchema, schemas: JsonSchemas): JsonSchema {
  const { $ref } = schema;
  return typeof $ref === 'string' ? (schemas[$ref.slice($ref.lastIndexOf('/') + 1)] ?? {}) : schema;
}

/** OpenAPI 3.0 says null by a flag and has one example, JSON Schema by a type and several. */
function translate(schema: object): JsonSchema {
  const { nullable, example, ...rest } = schema as JsonSchema;
  const translated = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, translateKeyword(key, value)]),
  );
  const shown = example === undefined ? translated : { ...translated, examples: [example] };
  return nullable === true ? orNull(shown) : shown;
}

function translateKeyword(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case 'properties':
      return translateAll(value as Record<string, object>);
    case 'items':
    case 'additionalProperties':
      return typeof value === 'object' && value !== null ? translate(value) : value;
    case 'allOf':
    case 'oneOf':
    case 'anyOf':
      return (value as object[]).map(translate);
    default:
      return value;
  }
}

function translateAll(schemas: Readonly<Record<string, object>>): JsonSchemas {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, translate(schema)]));
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, allOf, ...rest } = schema;
  if (typeof type === 'string') {
    return { ...schema, type: [type, 'null'] };
  }
  return { ...rest, oneOf: [...(Array.isArray(allOf) ? (allOf as JsonSchema[]) : []), { type: 'null' }] };
}
