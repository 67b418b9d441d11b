import type { Type } from '@nestjs/common';

/** An event that the server sends: its name on the wire and the class that describes its payload. */
export interface ServerEvent<T extends object> {
  readonly name: string;
  readonly namespace: string;
  readonly payload: Type<T>;
  readonly description: string;
  /** Payloads, where the one that the reference makes of the fields' examples would not do. */
  readonly examples?: readonly T[];
}

const registered = new Map<string, ServerEvent<object>>();

/** Declares an event of the server, once: the broadcaster emits nothing else and the event reference is made of these. */
export function serverEvent<T extends object>(
  namespace: string,
  name: string,
  payload: Type<T>,
  description: string,
  examples?: readonly T[],
): ServerEvent<T> {
  const key = `${namespace} ${name}`;
  if (registered.has(key)) {
    throw new Error(`The event ${name} of ${namespace} is declared twice`);
  }
  const event = { name, namespace, payload, description, examples };
  registered.set(key, event);
  return event;
}

/** Every declared event of the server. */
export function serverEvents(): readonly ServerEvent<object>[] {
  return [...registered.values()];
}
