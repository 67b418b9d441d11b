import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import type { ErrorCode } from '../common/app-error';
import type { ErrorEventDto } from './error-event';
import type { ServerEvent } from './server-event';

export const GATEWAY_OPTIONS = 'mayfly:gateway';
export const EVENT_OPTIONS = 'mayfly:event';

/** Which event tells a failure of an event that carried no ack, and what it says. */
export interface FailureNotice {
  readonly event: ServerEvent<object>;
  readonly payload: object;
}

export interface GatewayOptions {
  namespace: string;
  /**
   * Sockets enter without a token and have no identity; all gateways of a namespace say the same. Rates are counted by
   * socket, and by address.
   */
  anonymous?: true;
  /** What every refused socket of the namespace is told; the sentence is then in `data.reason`. One gateway says it. */
  refusal?: string;
  /** How events of this gateway that carried no ack fail, where that is not the event `error`. */
  tellFailure?: (error: ErrorEventDto) => FailureNotice;
}

/**
 * What an event costs: `create` for events that create something, `other` for the rest, `signal` like `other` but
 * refused in its ack only.
 */
export type EventCost = 'create' | 'other' | 'signal';

export interface EventOptions {
  cost: EventCost;
  /** One sentence for the event reference. */
  summary: string;
  /** What else has to be known, Markdown. */
  description?: string;
  /** The sentence of a `ValidationError` over its payload, where clients know one. */
  invalid?: string;
  /** With which codes it fails, beside those of every event. */
  errors?: readonly ErrorCode[];
  /** Payloads, where the one that the reference makes of the fields' examples would not do. */
  examples?: readonly object[];
  /** What the ack says on success, besides `success`; the reference shows it. */
  ack?: Type<object>;
}

/**
 * A gateway class: an ordinary Nest gateway whose events run through the dispatcher of its namespace, which checks
 * identity, payload and rate and answers every ack.
 */
export function RealtimeGateway(options: GatewayOptions): ClassDecorator {
  return applyDecorators(WebSocketGateway({ namespace: options.namespace }), SetMetadata(GATEWAY_OPTIONS, options));
}

/** Beside `@SubscribeMessage`: what the dispatcher and the event reference need to know of an event. */
export const Event = (options: EventOptions): MethodDecorator => SetMetadata(EVENT_OPTIONS, options);
