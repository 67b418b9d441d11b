import type { NestExpressApplication } from '@nestjs/platform-express';
import request, { type Response, type Test as Call } from 'supertest';
import { TokenService } from '../../src/auth/token.service';
import { Ids } from '../../src/common/ids';
import { PresenceReader } from '../../src/users/presence-reader';
import { UserStore } from '../../src/users/user-store';
import { createApp, type TestApp } from './create-app';
import { FakeClock } from './fake-clock';

export const PASSWORD = 'password123';

export interface Person {
  readonly id: string;
  readonly token: string;
}

/** The application with a clock that is moved by hand, and no demo users; REST only. */
export class AccountsApp {
  private constructor(
    private readonly testApp: TestApp,
    readonly clock: FakeClock,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<AccountsApp> {
    const clock = new FakeClock();
    return new AccountsApp(await createApp({ clock, settings: { SEED_DEMO_USERS: 'false', ...settings } }), clock);
  }

  get nest(): NestExpressApplication {
    return this.testApp.app;
  }

  close(): Promise<void> {
    return this.testApp.close();
  }

  /** Makes these users online, with two sockets each, as far as REST can tell. */
  pretendOnline(...userIds: string[]): void {
    const presence = this.nest.get(PresenceReader);
    jest.spyOn(presence, 'isOnline').mockImplementation((ids) => ids.map((id) => userIds.includes(id)));
    jest.spyOn(presence, 'onlineUserIds').mockImplementation((limit) => userIds.slice(0, limit));
    jest.spyOn(presence, 'onlineCount').mockReturnValue(userIds.length);
    jest.spyOn(presence, 'connectedSockets').mockReturnValue(userIds.length * 2);
  }

  call(method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'options', path: string, token?: string): Call {
    const call = request(this.testApp.url)[method](path);
    return token === undefined ? call : call.set('Authorization', `Bearer ${token}`);
  }

  async register(name: string): Promise<Person> {
    const { body } = await this.call('post', '/api/auth/register').send(credentials(name)).expect(201);
    return { id: body.user.id, token: body.token };
  }

  login(name: string, password = PASSWORD): Call {
    return this.call('post', '/api/auth/login').send({ email: `${name}@example.com`, password });
  }

  async createGuest(): Promise<Person> {
    const [id, createdAt] = [this.nest.get(Ids).id(), this.clock.now()];
    const user = { id, kind: 'guest', username: 'sam', role: 'user', createdAt } as const;
    const record = await this.nest.get<UserStore>(UserStore).create(user, 10);
    return { id, token: await this.nest.get(TokenService).issue(record) };
  }
}

export function credentials(name: string): Record<string, string> {
  return { username: name, email: `${name}@example.com`, password: PASSWORD };
}

/** Asserts the error body of the contract. */
export function expectError(response: Response, statusCode: number, code: string, error?: string): void {
  const { body, status, headers } = response;
  expect(body).toMatchObject({ success: false, statusCode, code, message: body.error, requestId: expect.any(String) });
  expect(status).toBe(statusCode);
  expect(headers['x-request-id']).toBe(body.requestId);
  expect(body.errors).toEqual(body.details);
  if (error !== undefined) {
    expect(body.error).toBe(error);
  }
}
