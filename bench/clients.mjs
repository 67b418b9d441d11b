// The load generator: users, their sockets, and sends. The same code drives both servers.
import { randomUUID } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { io } from 'socket.io-client';
import { SECRETS } from './server.mjs';

export const CONTENT_BYTES = 100;
const CONNECT_AT_ONCE = 50;
const REGISTER_AT_ONCE = 8;

/** `work(item, index)` of each item, `size` at once, results in order. */
export async function inBatches(items, size, work) {
  const results = [];
  for (let i = 0; i < items.length; i += size) {
    results.push(...(await Promise.all(items.slice(i, i + size).map((item, j) => work(item, i + j)))));
  }
  return results;
}

/** What the relay knows of a user is in the token: it is signed here, with the claims that Mayfly signs. */
export const signedAccount = (_server, index) => {
  const id = randomUUID();
  const options = { algorithm: 'HS256', issuer: SECRETS.JWT_ISSUER, audience: SECRETS.JWT_AUDIENCE, expiresIn: '1h' };
  const claims = { sub: id, username: `bench_${index}`, kind: 'account', jti: randomUUID() };
  return { id, token: jwt.sign(claims, SECRETS.JWT_SECRET, options) };
};

export const registeredAccount = async (server, index) => {
  const credentials = { email: `bench_${index}@example.com`, password: 'a long enough password' };
  const response = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: `bench_${index}`, ...credentials }),
  });
  const body = await response.text();
  if (response.status !== 201) {
    throw new Error(`POST /api/auth/register answered ${response.status}: ${body}`);
  }
  const { token, user } = JSON.parse(body);
  return { id: user.id, token, ...credentials };
};

/** A REST call of a user, path below `/api/`; throws where it is refused. */
export const post = async (server, { token }, path, body) => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${server.url}/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`POST /api/${path} answered ${response.status}: ${text}`);
  }
  return text === '' ? {} : JSON.parse(text);
};

export const createUsers = (server, count) =>
  inBatches(Array.from({ length: count }), REGISTER_AT_ONCE, (_, index) => server.target.account(server, index));

/** Connects `users`, gives each its `socket`; a connection that the server ends later is told to `fail`. */
export const connectAll = (server, users, fail, namespace = '') =>
  inBatches(users, CONNECT_AT_ONCE, async (user) => {
    const { token } = user;
    const socket = io(server.url + namespace, {
      transports: ['websocket'],
      auth: { token },
      forceNew: true,
      reconnection: false,
    });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('connect_error', (error) => {
        reject(
          new Error(`${server.target.name} refused a socket: ${error.message} ${JSON.stringify(error.data ?? '')}`),
        );
      });
    });
    socket.on('disconnect', (reason) => {
      if (!server.closing && reason !== 'io client disconnect') {
        // Later than the end of the server, if that is the reason: its own output says more.
        setTimeout(() => fail(new Error(`${server.target.name} ended a socket: ${reason}`)), 1000);
      }
    });
    user.socket = socket;
    return user;
  });

export const disconnectAll = (users) => users.forEach((user) => user.socket?.disconnect());

export const directRoomId = (a, b) => `dm_${[a.id, b.id].sort().join('_')}`;

/** `count` direct rooms spread over pairs of senders and recipients. Returns `[{ sender, roomId }]`. */
export function directRooms(senders, recipients, count) {
  return Array.from({ length: count }, (_, index) => {
    const lap = Math.floor(index / senders.length);
    const sender = senders[index % senders.length];
    return { sender, roomId: directRoomId(sender, recipients[(index + lap) % recipients.length]) };
  });
}

export async function request(socket, event, payload) {
  const ack = await socket.timeout(10_000).emitWithAck(event, payload);
  if (ack?.success !== true) {
    throw new Error(`${event} was refused: ${JSON.stringify(ack)}`);
  }
  return ack;
}

/**
 * Keeps `inFlight` unacked `message:send` open for each lane until `next(lane)` gives undefined; resolves when the last
 * one is acked. A lane has the `socket` that sends.
 */
export function pump(lanes, inFlight, next, onAck) {
  return new Promise((resolve, reject) => {
    let open = 0;
    const send = (lane) => {
      const payload = next(lane);
      if (!payload) {
        if (open === 0) {
          resolve();
        }
        return;
      }
      open += 1;
      const sentAt = performance.now();
      lane.socket.emit('message:send', payload, (ack) => {
        open -= 1;
        if (ack?.success !== true) {
          reject(new Error(`message:send was refused: ${JSON.stringify(ack)}`));
          return;
        }
        onAck(ack, performance.now() - sentAt);
        send(lane);
      });
    };
    for (let i = 0; i < inFlight; i += 1) {
      lanes.forEach(send);
    }
  });
}

/** Sends `count` messages of 100 bytes round the `rooms`, as fast as acks come. Resolves with messages a second. */
export async function fill(rooms, count, { inFlight = 16, ttl, clientId = false, onAck = () => {}, progress }) {
  const lanes = [...new Set(rooms.map((room) => room.sender))].map(({ socket }) => ({ socket, rooms: [], at: 0 }));
  const laneOf = new Map(lanes.map((lane) => [lane.socket, lane]));
  rooms.forEach(({ sender, roomId }) => laneOf.get(sender.socket).rooms.push(roomId));
  const content = 'x'.repeat(CONTENT_BYTES);
  const started = performance.now();
  let sent = 0;
  const next = (lane) => {
    if (sent === count) {
      return undefined;
    }
    sent += 1;
    lane.at = (lane.at + 1) % lane.rooms.length;
    if (progress && sent % 100_000 === 0) {
      progress(`${sent} of ${count} messages sent`);
    }
    const payload = { roomId: lane.rooms[lane.at], content, ttl };
    return clientId ? { ...payload, clientId: randomUUID() } : payload;
  };
  await pump(lanes, inFlight, next, onAck);
  return count / ((performance.now() - started) / 1000);
}
