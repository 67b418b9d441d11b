import type { INestApplication, Type } from '@nestjs/common';
import type { ErrorCode } from '../../common/app-error';
import { AppConfig } from '../../config/app-config';
import { Refusal } from '../../realtime/ack';
import type { EventCost } from '../../realtime/gateway.decorator';
import { type Handler, HandlerMap } from '../../realtime/handler-map';
import { type ServerEvent, serverEvents } from '../../realtime/server-event';
import { VERSION } from '../version';
import { exampleOf } from './examples';
import { GUIDE, SERVER_GUIDE } from './guide';
import { type JsonSchema, jsonSchemas, type JsonSchemas, resolved, schemaRef } from './json-schema';

type Part = Record<string, unknown>;

/** As much of an AsyncAPI 3 document as is read again here. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly info: Part;
  readonly servers: Record<string, Part>;
  readonly channels: Record<string, Channel>;
  readonly operations: Record<string, Part>;
  readonly components: { readonly schemas: JsonSchemas; readonly [more: string]: unknown };
}

interface Channel {
  readonly address: string;
  readonly messages: Record<string, Message>;
  readonly [more: string]: unknown;
}

interface Message {
  readonly payload: JsonSchema;
  readonly examples: readonly { payload: unknown }[];
  readonly [more: string]: unknown;
}

const COSTS: Record<EventCost, string> = {
  create: 'an event that creates something',
  other: 'an ordinary event',
  signal: 'an ordinary event; over the limit it fails in its ack only',
};
const EVERY_EVENT: readonly ErrorCode[] = ['ValidationError', 'RateLimitError', 'InternalServerError'];

/** The event reference: every event of every namespace, from the handlers and declarations that make them work. */
export function asyncApiDocument(app: INestApplication): AsyncApiDocument {
  const namespaces = app.get(HandlerMap).build();
  const handlers = namespaces.flatMap(({ namespace, handlers }) =>
    [...handlers.values()].map((handler) => ({ namespace, handler })),
  );
  const told = serverEvents();
  const schemas = jsonSchemas(app, [
    ...handlers.flatMap(({ handler: { dto, options } }) => [dto, options.ack].filter((type) => type !== undefined)),
    ...told.map(({ payload }) => payload),
    Refusal,
  ]);
  const reference = new Reference(schemas);
  handlers.forEach(({ namespace, handler }) => reference.addHandler(namespace, handler));
  told.forEach((event) => reference.addServerEvent(event));
  const served = new Set([...namespaces, ...told].map(({ namespace }) => namespace));
  const anonymous = new Set(namespaces.flatMap(({ namespace, anonymous }) => (anonymous ? [namespace] : [])));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Mayfly events',
      version: VERSION,
      description: GUIDE,
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: servers(served, anonymous, app.get(AppConfig)),
    channels: reference.channels,
    operations: reference.operations,
    components: {
      schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Not in a header, but in the handshake: `io(url, { auth: { token } })`.',
        },
      },
    },
  };
}

/** A namespace is a server of its own: that is what clients connect to. */
function servers(
  namespaces: Iterable<string>,
  anonymous: ReadonlySet<string>,
  { publicUrl, env }: AppConfig,
): Record<string, Part> {
  const { protocol, host, pathname } = new URL(publicUrl ?? `http://localhost:${env.PORT}`);
  const at = pathname.replace(/\/$/, '');
  return Object.fromEntries(
    [...namespaces].map((namespace) => [
      idOf(namespace),
      {
        host,
        pathname: `${at}${namespace}`,
        protocol: protocol === 'https:' ? 'wss' : 'ws',
        title: `Namespace ${namespace}`,
        description: SERVER_GUIDE,
        ...(!anonymous.has(namespace) && { security: [{ $ref: '#/components/securitySchemes/token' }] }),
      },
    ]),
  );
}

/** Collects channels (one an event) and operations (one an event and direction). */
class Reference {
  readonly channels: Record<string, Channel> = {};
  readonly operations: Record<string, Part> = {};

  constructor(private readonly schemas: JsonSchemas) {}

  addHandler(namespace: string, { event, options, dto }: Handler): void {
    const payload: JsonSchema = dto ? schemaRef(dto) : { type: 'object', description: 'Needs none.' };
    const channel = this.channel(namespace, event);
    const messages = {
      emit: this.message(event, payload, options.examples),
      ack: this.message(`Ack of ${event}`, this.ackSchema(options.ack)),
      refusal: this.message(`Refusal of ${event}`, schemaRef(Refusal)),
    };
    Object.assign(channel.messages, messages);
    const codes = [...new Set([...(options.errors ?? []), ...EVERY_EVENT])].map((code) => `\`${code}\``);
    const facts = `Counts as ${COSTS[options.cost]}. Fails with ${codes.join(', ')}.`;
    this.operations[operationId(namespace, 'emit', event)] = {
      action: 'receive',
      channel: channelRef(namespace, event),
      title: event,
      summary: options.summary,
      description: options.description === undefined ? facts : `${options.description}\n\n${facts}`,
      messages: [messageRef(namespace, event, 'emit')],
      reply: {
        channel: channelRef(namespace, event),
        messages: [messageRef(namespace, event, 'ack'), messageRef(namespace, event, 'refusal')],
      },
    };
  }

  addServerEvent({ namespace, name, payload, description, examples }: ServerEvent<object>): void {
    this.channel(namespace, name).messages.on = this.message(name, schemaRef(payload), examples);
    this.operations[operationId(namespace, 'on', name)] = {
      action: 'send',
      channel: channelRef(namespace, name),
      title: name,
      summary: description,
      messages: [messageRef(namespace, name, 'on')],
    };
  }

  private channel(namespace: string, event: string): Channel {
    const id = channelId(namespace, event);
    this.channels[id] ??= { address: event, servers: [{ $ref: `#/servers/${idOf(namespace)}` }], messages: {} };
    return this.channels[id];
  }

  private message(title: string, payload: JsonSchema, examples?: readonly object[]): Message {
    const payloads = examples ?? [exampleOf(payload, this.schemas)];
    return { title, payload, examples: payloads.map((example) => ({ payload: example })) };
  }

  private ackSchema(type: Type<object> | undefined): JsonSchema {
    const { properties = {}, required = [] } = type ? resolved(schemaRef(type), this.schemas) : {};
    return {
      type: 'object',
      required: ['success', ...(required as string[])],
      properties: { success: { type: 'boolean', enum: [true], examples: [true] }, ...(properties as JsonSchemas) },
    };
  }
}

function idOf(namespace: string): string {
  return namespace.slice(1) || 'native';
}

function prefixOf(namespace: string): string {
  return namespace === '/' ? '' : `${idOf(namespace)}.`;
}

const channelId = (namespace: string, event: string): string => prefixOf(namespace) + event;
const channelRef = (namespace: string, event: string): Part => ({ $ref: `#/channels/${channelId(namespace, event)}` });
const messageRef = (namespace: string, event: string, message: string): Part => ({
  $ref: `#/channels/${channelId(namespace, event)}/messages/${message}`,
});
const operationId = (namespace: string, verb: string, event: string): string =>
  `${prefixOf(namespace)}${verb}.${event}`;
