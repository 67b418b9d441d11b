import { Injectable, type Type } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { MESSAGE_METADATA, PARAM_ARGS_METADATA } from '@nestjs/websockets/constants';
import { WsParamtype } from '@nestjs/websockets/enums/ws-paramtype.enum';
import type { Awaitable } from '../common/awaitable';
import { currentUserFactory } from '../common/http/current-user.decorator';
import { AppError } from '../common/app-error';
import { Binder, type DtoClass } from '../common/validation/dto-binder';
import { EVENT_OPTIONS, type EventOptions, GATEWAY_OPTIONS, type GatewayOptions } from './gateway.decorator';
import type { MayflySocket } from './socket-session';

type Argument = 'user' | 'socket' | 'payload';

/** One event of one namespace, composed at start: what `@SubscribeMessage` and its parameters promise. */
export interface Handler {
  readonly event: string;
  readonly options: EventOptions;
  readonly gateway: Type<object>;
  /** What its gateway says of itself. */
  readonly gatewayOptions: GatewayOptions;
  /** The class of the payload; undefined where the event has none. */
  readonly dto: DtoClass | undefined;
  /** Checks the payload. @throws AppError ValidationError */
  readonly bind: (payload: unknown) => object | undefined;
  /** Calls the gateway's method with a checked payload. */
  readonly invoke: (socket: MayflySocket, payload: object | undefined) => Awaitable<object>;
}

/** What Nest's gateways may have; called in a way that a throw in one does not end the process. */
export interface ConnectionHooks {
  handleConnection?(socket: MayflySocket): Awaitable<void>;
  handleDisconnect?(socket: MayflySocket): Awaitable<void>;
}

export interface NamespaceHandlers {
  readonly namespace: string;
  /** Its sockets have no token, and no identity. */
  readonly anonymous: boolean;
  /** What refused sockets are told in place of the sentence; undefined: the sentence. */
  readonly refusal?: string;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly hooks: readonly ConnectionHooks[];
}

/** What Nest would run around a handler and the dispatcher does not: a failed start is better than an ignored guard. */
const NOT_RUN = [EXCEPTION_FILTERS_METADATA, GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA];
/** What a parameter's type is at run time where it names no class of ours. */
const NO_DTO: unknown[] = [undefined, Object, String, Number, Boolean, Array];

interface Found {
  readonly anonymous: boolean;
  refusal?: string;
  readonly handlers: Map<string, Handler>;
  readonly hooks: ConnectionHooks[];
}

type Method = (...args: unknown[]) => Awaitable<object>;

/** Finds the gateways and composes, for each event, one function from packet to ack. */
@Injectable()
export class HandlerMap {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** The handlers of every namespace. @throws Error for a gateway that the dispatcher cannot serve as declared */
  build(): NamespaceHandlers[] {
    const namespaces = new Map<string, Found>();
    for (const { instance, metatype } of this.discovery.getProviders()) {
      const options = metatype && (Reflect.getMetadata(GATEWAY_OPTIONS, metatype) as GatewayOptions | undefined);
      if (!options || !instance) {
        continue;
      }
      const anonymous = options.anonymous === true;
      const found = namespaces.get(options.namespace) ?? { anonymous, handlers: new Map<string, Handler>(), hooks: [] };
      if (found.anonymous !== anonymous) {
        throw new Error(`The gateways of ${options.namespace} differ in whether it is anonymous`);
      }
      namespaces.set(options.namespace, found);
      found.refusal ??= options.refusal;
      for (const handler of this.handlersOf(instance as object, metatype as Type<object>, options)) {
        if (found.handlers.has(handler.event)) {
          throw new Error(`Two gateways handle ${handler.event} in ${options.namespace}`);
        }
        found.handlers.set(handler.event, handler);
      }
      const hooks = instance as ConnectionHooks;
      if (hooks.handleConnection || hooks.handleDisconnect) {
        found.hooks.push(hooks);
      }
    }
    return [...namespaces].map(([namespace, found]) => ({ namespace, ...found }));
  }

  private handlersOf(instance: object, gateway: Type<object>, options: GatewayOptions): Handler[] {
    const prototype = Object.getPrototypeOf(instance) as Record<string, Method>;
    return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
      const method = prototype[name];
      const event = method && (Reflect.getMetadata(MESSAGE_METADATA, method) as string | undefined);
      return event === undefined || !method ? [] : [compose(instance, gateway, options, name, method, event)];
    });
  }
}

function compose(
  instance: object,
  gateway: Type<object>,
  gatewayOptions: GatewayOptions,
  name: string,
  method: Method,
  event: string,
): Handler {
  const where = `${gateway.name}.${name}`;
  const options = Reflect.getMetadata(EVENT_OPTIONS, method) as EventOptions | undefined;
  if (!options) {
    throw new Error(`${where} lacks @Event`);
  }
  if (NOT_RUN.some((key) => Reflect.hasMetadata(key, method) || Reflect.hasMetadata(key, gateway))) {
    throw new Error(`${where} has guards, pipes, interceptors or filters, which the dispatcher does not run`);
  }
  const types = (Reflect.getMetadata('design:paramtypes', gateway.prototype as object, name) ?? []) as unknown[];
  const { args, payloadIndex } = argumentsOf(gateway, name, where);
  if (gatewayOptions.anonymous && args.includes('user')) {
    throw new Error(`${where} asks for a user, of whom there is none in an anonymous namespace`);
  }
  if (types.some((_, index) => args[index] === undefined)) {
    throw new Error(`${where} has a parameter without a decorator`);
  }
  if (payloadIndex !== undefined && NO_DTO.includes(types[payloadIndex])) {
    throw new Error(`${where} takes a payload without a DTO class`);
  }
  const dto = payloadIndex === undefined ? undefined : (types[payloadIndex] as DtoClass);
  const bound = method.bind(instance);
  const binder = dto && Binder.of(dto);
  return {
    event,
    options,
    gateway,
    gatewayOptions,
    dto,
    bind: binder ? bindWith(binder, options.invalid) : () => undefined,
    invoke: invoker(bound, args),
  };
}

function bindWith(binder: Binder<object>, invalid: string | undefined): Handler['bind'] {
  if (invalid === undefined) {
    return (payload) => binder.bind(payload);
  }
  return (payload) => {
    try {
      return binder.bind(payload);
    } catch (error) {
      throw error instanceof AppError ? new AppError(error.code, invalid, { details: error.details }) : error;
    }
  };
}

function invoker(method: Method, args: Argument[]): Handler['invoke'] {
  const pick = (argument: Argument | undefined, socket: MayflySocket, payload: unknown): unknown =>
    argument === 'user' ? socket.data.identity : argument === 'socket' ? socket : payload;
  const [first, second, third] = args;
  switch (args.length) {
    case 0:
      return () => method();
    case 1:
      return (socket, payload) => method(pick(first, socket, payload));
    case 2:
      return (socket, payload) => method(pick(first, socket, payload), pick(second, socket, payload));
    default:
      return (socket, payload) =>
        method(pick(first, socket, payload), pick(second, socket, payload), pick(third, socket, payload));
  }
}

interface RouteArgument {
  index: number;
  factory?: unknown;
  /** Names one field, which the dispatcher would not pick. */
  data?: unknown;
  pipes?: unknown[];
}

function argumentsOf(gateway: Type<object>, name: string, where: string): { args: Argument[]; payloadIndex?: number } {
  const metadata = (Reflect.getMetadata(PARAM_ARGS_METADATA, gateway, name) ?? {}) as Record<string, RouteArgument>;
  const args: Argument[] = [];
  let payloadIndex: number | undefined;
  for (const [key, { index, factory, data, pipes }] of Object.entries(metadata)) {
    if (data !== undefined || pipes?.length) {
      throw new Error(`${where} has a parameter with a field or a pipe, which the dispatcher does not know`);
    }
    if (factory === currentUserFactory) {
      args[index] = 'user';
    } else if (key.startsWith(`${WsParamtype.SOCKET}:`)) {
      args[index] = 'socket';
    } else if (key.startsWith(`${WsParamtype.PAYLOAD}:`)) {
      args[index] = 'payload';
      payloadIndex = index;
    } else {
      throw new Error(`${where} has a parameter that the dispatcher does not know`);
    }
  }
  return { args, payloadIndex };
}
