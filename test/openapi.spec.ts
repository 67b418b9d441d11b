import request from 'supertest';
import { type RouteRow, ROUTES } from './support/authz-table';
import { createApp, type TestApp } from './support/create-app';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly example?: unknown;
  readonly enum?: unknown[];
  readonly description?: string;
  readonly format?: string;
  readonly required?: string[];
  readonly items?: Schema;
  readonly properties?: Record<string, Schema>;
  readonly allOf?: Schema[];
  readonly oneOf?: Schema[];
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly security?: object[];
  readonly requestBody?: { content: Record<string, { schema: Schema }> };
  readonly responses: Record<
    string,
    { description: string; content?: Record<string, { schema: Schema; example?: unknown }> }
  >;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
}

let app: TestApp;
let document: Document;

beforeAll(async () => {
  app = await createApp();
  document = (await request(app.url).get('/api/docs-json').expect(200)).body as Document;
});

afterAll(() => app.close());

/** What authz-table.ts says of the routes that are the API's own; it has them all (authz.e2e-spec.ts). */
const API = ROUTES.filter(({ handler }) => !/^GET \/api\/(docs|events|asyncapi)/.test(handler));
const named = (rows: RouteRow[]): [string, RouteRow][] => rows.map((row) => [row.handler, row]);
const FREE = ['GET /', 'GET /metrics', 'GET /api/socket/stats'];
/** Health and the like: open, not limited, without input. */
const isFree = ({ handler }: RouteRow): boolean => FREE.includes(handler) || /^GET (\/api)?\/health/.test(handler);

function operationOf({ handler }: RouteRow): Operation {
  const [method = '', path = ''] = handler.split(' ');
  const found = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
  if (!found) {
    throw new Error(`${handler} is not in the document`);
  }
  return found;
}

/**
 * Paths in a schema that nobody can read: an object without properties, a field without an example. One that may be left
 * out may have a description instead, where an example would get in the way of who tries the route out.
 */
function gaps(schema: Schema | undefined, where: string, seen = new Set<string>()): string[] {
  if (!schema) {
    return [where];
  }
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return seen.has(name) ? [] : gaps(document.components.schemas[name], name, new Set([...seen, name]));
  }
  const parts = schema.allOf ?? schema.oneOf;
  if (parts) {
    return parts.flatMap((part) => gaps(part, where, seen));
  }
  if ('example' in schema || schema.enum || schema.format === 'binary') {
    return [];
  }
  if (schema.type === 'array') {
    return gaps(schema.items, `${where}[]`, seen);
  }
  const { properties = {}, required = [] } = schema;
  const names = Object.keys(properties).filter((name) => required.includes(name) || !properties[name]?.description);
  return Object.keys(properties).length === 0
    ? [where]
    : names.flatMap((name) => gaps(properties[name], `${where}.${name}`, seen));
}

describe('the OpenAPI document', () => {
  it('has every route of the application, and no other', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(documented.sort()).toEqual(API.map(({ handler }) => handler).sort());
  });

  it('names every operation once', () => {
    const ids = API.map((row) => operationOf(row).operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a scheme for the token, which the page’s auth button is made of', () => {
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
  });

  describe.each(named(API))('%s', (_handler, row) => {
    it('has a summary and a tag', () => {
      const { summary, tags } = operationOf(row);
      expect(summary).toMatch(/\S/);
      expect(tags).toHaveLength(1);
    });

    it('says whether a token is needed', () => {
      const { security = [] } = operationOf(row);
      expect(security.length > 0).toBe(row.status.anonymous === 401);
      const schemes = Object.keys(document.components.securitySchemes);
      expect(security.flatMap((one) => Object.keys(one)).filter((name) => !schemes.includes(name))).toEqual([]);
    });

    it('lists the errors that the table of authorisation knows, and those of every route', () => {
      const { responses, requestBody } = operationOf(row);
      const { member, ...others } = row.status;
      const refusals = Object.values(others).filter((status) => status >= 400 && status !== row.status.member);
      const expected = new Set([...refusals, ...(isFree(row) ? [] : [429, 500]), ...(requestBody ? [400] : [])]);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining([...expected].map(String)));
      if (member < 400) {
        expect(responses).toHaveProperty(String(member));
      }
    });

    it('describes every error by the one body of errors', () => {
      const errors = Object.entries(operationOf(row).responses).filter(([status]) => Number(status) >= 400);
      for (const [, { description, content }] of errors.filter(([status]) => status !== '503' || !isFree(row))) {
        expect(description).toMatch(/\S/);
        expect(content?.['application/json']?.schema.$ref).toBe('#/components/schemas/ErrorBodyDto');
      }
    });

    it('has a schema with examples for what it takes and gives', () => {
      const { responses, requestBody } = operationOf(row);
      expect(requestBody !== undefined).toBe(row.body !== undefined || row.file !== undefined);
      const bodies = [requestBody, ...Object.values(responses)].flatMap((one) => Object.values(one?.content ?? {}));
      expect(bodies.flatMap(({ schema }) => gaps(schema, 'body'))).toEqual([]);
      const gives = Object.entries(responses).filter(([status]) => status === '200' || status === '201');
      expect(gives.filter(([, { content }]) => !content)).toEqual([]);
    });
  });

  it('would not pass with a field that has no example, or an object without fields', () => {
    expect(gaps({ type: 'object', properties: { a: { type: 'string' } } }, 'x')).toEqual(['x.a']);
    expect(gaps({ type: 'object' }, 'x')).toEqual(['x']);
    expect(gaps({ type: 'array', items: { type: 'object' } }, 'x')).toEqual(['x[]']);
    expect(gaps(undefined, 'x')).toEqual(['x']);
  });
});

describe('the page of Swagger UI', () => {
  it('runs scripts of this server alone, none of them inline', async () => {
    const { text, headers } = await request(app.url).get('/api/docs').expect(200);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy.split(';').map((directive) => directive.trim())).toContain("script-src 'self'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes = '', inline = ''] of scripts) {
      expect(inline.trim()).toBe('');
      const [, source = ''] = /src="([^"]+)"/.exec(attributes) ?? [];
      await request(app.url)
        .get(new URL(source, `${app.url}/api/docs`).pathname)
        .expect(200);
    }
  });

  it('is made of the document', async () => {
    const { text } = await request(app.url).get('/api/docs/swagger-ui-init.js').expect(200);
    expect(text).toContain('/api/chat/rooms/{roomId}/messages');
    await request(app.url).get('/api/docs-yaml').expect(200);
  });
});
