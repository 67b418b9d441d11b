import request from 'supertest';
import { TestClient } from '../support/clients';

/** Somebody with an account and a socket in `/`. */
export interface Person {
  readonly id: string;
  readonly token: string;
  readonly client: TestClient;
}

/** Registers somebody and connects them. */
export async function arrive(
  url: string,
  username: string,
  email: string,
  password: string,
  transport: 'websocket' | 'polling',
): Promise<Person> {
  const { body } = await request(url).post('/api/auth/register').send({ username, email, password }).expect(201);
  const token = body.token as string;
  return {
    id: body.user.id as string,
    token,
    client: await TestClient.connect(url, token, { transports: [transport] }),
  };
}
