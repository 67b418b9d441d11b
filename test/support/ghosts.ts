import request from 'supertest';
import { GhostTokens } from '../../src/chat/dialects/ghost/ghost-tokens';
import type { ChatApp } from './chat-app';
import { type AckBody, TestClient } from './clients';

/** Somebody in an anonymous room. */
export interface Ghost {
  readonly client: TestClient;
  readonly roomToken: string;
  readonly agentId: string;
  readonly participants: string[];
  readonly rejoinKey: string;
}

/** A socket of `/ghost`, which needs no token. */
export function ghostSocket(url: string, options: Parameters<typeof TestClient.connect>[2] = {}): Promise<TestClient> {
  return TestClient.connect(url, undefined, options, '/ghost');
}

/** A token that no other test has. */
export function freshToken(chat: ChatApp): string {
  return chat.get(GhostTokens).create();
}

/** Connects and joins; the ack must be a success. */
export async function enter(url: string, roomToken: string, agentId: string, more: object = {}): Promise<Ghost> {
  return enterBy(await ghostSocket(url), roomToken, agentId, more);
}

/** The same by a socket that is connected. */
export async function enterBy(
  client: TestClient,
  roomToken: string,
  agentId: string,
  more: object = {},
): Promise<Ghost> {
  const ack = await client.emit('join-room', { roomToken, agentId, ...more });
  expect(ack).toEqual({ success: true, roomToken, participants: expect.any(Array), rejoinKey: expect.any(String) });
  const { participants, rejoinKey } = ack as AckBody & { participants: string[]; rejoinKey: string };
  return { client, roomToken, agentId, participants, rejoinKey };
}

/** Sends a text and gives its id; the ack must be a success. */
export async function whisper(
  { client, roomToken, agentId }: Ghost,
  message: string,
  more: object = {},
): Promise<string> {
  const ack = await client.emit('send-message', { roomToken, message, sender: agentId, ...more });
  expect(ack).toEqual({ success: true, messageId: expect.any(String), timestamp: expect.any(String) });
  return ack.messageId as string;
}

/** What the page loads beside its socket. */
export async function history(url: string, roomToken: string): Promise<Record<string, unknown>[]> {
  const { body } = await request(url).get(`/ghost/api/room/${roomToken}/messages`).expect(200);
  expect(body).toEqual({ messages: expect.any(Array), count: body.messages.length, timestamp: expect.any(String) });
  return body.messages as Record<string, unknown>[];
}

/** What a client was told of who and what is there, in order. */
export const heard = ({ client }: { client: TestClient }): [string, unknown][] =>
  client.received.map(({ event, payload }) => [
    event,
    payload.agentId ?? payload.message ?? payload.messageId ?? payload.participants,
  ]);
