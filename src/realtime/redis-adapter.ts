import { createAdapter } from '@socket.io/redis-adapter';
import type { Redis } from '../storage/redis';

type Listener = (...args: unknown[]) => void;

/**
 * What is no event of a room (presence, typing, signalling) crosses nodes by Socket.IO's own pub/sub: told once, kept
 * nowhere, lost on a node that is cut off. The adapter waits for none of its calls: what fails is in the log of the
 * outage, and must not end as an unhandled rejection.
 */
export function redisAdapter(redis: Redis): ReturnType<typeof createAdapter> {
  // Subscriptions have no deadline: they wait for the connection, and are made anew after an outage.
  const client = redis.connect({ connectionName: 'broadcasts' });
  const unheeded = (call: Promise<unknown>): void => void call.catch(() => undefined);
  const publisher = {
    publish: (channel: string, message: string | Buffer) => unheeded(redis.client.publish(channel, message)),
    on: () => undefined,
    off: () => undefined,
  };
  const subscriber = {
    subscribe: (channels: string[]) => unheeded(client.subscribe(...channels)),
    psubscribe: (pattern: string) => unheeded(client.psubscribe(pattern)),
    unsubscribe: (channels: string[]) => unheeded(client.unsubscribe(...channels)),
    punsubscribe: (pattern: string) => unheeded(client.punsubscribe(pattern)),
    on: (event: string, listener: Listener) => client.on(event, listener),
    off: (event: string, listener: Listener) => client.off(event, listener),
  };
  return createAdapter(publisher, subscriber, { key: redis.key('io') });
}
