import type { Type } from '@nestjs/common';
import type { ManagerOptions, SocketOptions } from 'socket.io-client';
import type { Test } from 'supertest';
import { TokenService } from '../../src/auth/token.service';
import { Ids } from '../../src/common/ids';
import { ExpiryService } from '../../src/expiry/expiry.service';
import { SessionRegistry } from '../../src/realtime/session-registry';
import { UserStore } from '../../src/users/user-store';
import { type Account, type AckBody, call, register, TestClient } from './clients';
import { createApp, type TestApp } from './create-app';
import { FakeClock } from './fake-clock';

/** An account with one socket. */
export interface Person extends Account {
  readonly client: TestClient;
}

/** Two people who may chat with each other, and a third who may not know. */
export interface Trio {
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  /** The direct room of Alice and Bob; opened by nobody yet. */
  readonly roomId: string;
}

const PRESENCE = ['connection:established', 'user:online', 'user:offline'];

/** Events of rooms that a client was sent; presence left out. */
export const roomEvents = (client: TestClient): string[] =>
  client.received.map(({ event }) => event).filter((event) => !PRESENCE.includes(event));

/** The id of the direct room of two users, as clients make it. */
export const roomOf = (a: { id: string }, b: { id: string }): string => `dm_${[a.id, b.id].sort().join('_')}`;

/** The complete application with a clock that is moved by hand and without demo users. */
export class ChatApp {
  private constructor(
    private readonly testApp: TestApp,
    readonly clock: FakeClock,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<ChatApp> {
    const clock = new FakeClock();
    return new ChatApp(await createApp({ clock, settings: { SEED_DEMO_USERS: 'false', ...settings } }), clock);
  }

  get url(): string {
    return this.testApp.url;
  }

  get nest(): TestApp['app'] {
    return this.testApp.app;
  }

  close(): Promise<void> {
    return this.testApp.close();
  }

  /** Lets time pass and hands out what became due. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.testApp.tick();
  }

  /** From now on nothing is swept: what is due stands in the stores and may be served by no path nevertheless. */
  stopSweeping(): void {
    jest.spyOn(this.nest.get(ExpiryService), 'tick').mockResolvedValue();
  }

  get<T>(token: Type<T> | (abstract new (...args: never[]) => T)): T {
    return this.nest.get<T>(token, { strict: false });
  }

  register(name?: string): Promise<Account> {
    return register(this.url, name);
  }

  connect(
    { token }: { token: string },
    options?: Partial<ManagerOptions & SocketOptions>,
    namespace?: string,
  ): Promise<TestClient> {
    return TestClient.connect(this.url, token, options, namespace);
  }

  /** Registers somebody and connects them. */
  async person(name?: string): Promise<Person> {
    const account = await this.register(name);
    return { ...account, client: await this.connect(account) };
  }

  async trio(): Promise<Trio> {
    const [alice, bob, carol] = [await this.person('alice'), await this.person('bob'), await this.person('carol')];
    return { alice, bob, carol, roomId: roomOf(alice, bob) };
  }

  /** Closes a client and waits until the server has noticed. */
  async leave(client: TestClient): Promise<void> {
    const id = client.socket.id ?? '';
    client.close();
    const sessions = this.get(SessionRegistry);
    while (sessions.find(id)) {
      await new Promise(setImmediate);
    }
    // What follows from it is done by turns that were queued before this one.
    await new Promise(setImmediate);
  }

  /** A user without a password, as `POST /api/guest` will make them. */
  async guest(): Promise<{ id: string; token: string }> {
    const [id, createdAt] = [this.get(Ids).id(), this.clock.now()];
    const user = { id, kind: 'guest', username: 'sam', role: 'user', createdAt } as const;
    const record = await this.get(UserStore).create(user, 1000);
    return { id, token: await this.get(TokenService).issue(record) };
  }

  /** A REST call of somebody; the path without `/api/`. */
  api({ token }: { token: string }, method: Parameters<typeof call>[2], path: string): Test {
    return call(this.url, token, method, `/api/${path}`);
  }

  /** The same below a prefix. */
  below(prefix: string, { token }: { token: string }, method: Parameters<typeof call>[2], path: string): Test {
    return call(this.url, token, method, `${prefix}/api/${path}`);
  }

  /** The time in so many milliseconds, as the API writes it. */
  iso(inMs = 0): string {
    return new Date(this.clock.now() + inMs).toISOString();
  }
}

/** Sends a text and gives the ack, which must be a success. */
export async function say(
  { client }: { client: TestClient },
  roomId: string,
  content: string,
  more: object = {},
): Promise<AckBody & { messageId: string; seq: number }> {
  const ack = await client.emit('message:send', { roomId, content, ...more });
  expect(ack).toMatchObject({ success: true });
  return ack as AckBody & { messageId: string; seq: number };
}

/** Asserts a failed ack, exactly: nothing else leaks out. */
export function expectRefusal(ack: AckBody, code: string, error?: string): void {
  expect(ack).toEqual({
    success: false,
    code,
    error: error ?? expect.any(String),
    ...(code === 'ValidationError' && { details: ack.details }),
  });
}
