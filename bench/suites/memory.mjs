// What a stored message costs in memory, and whether it is given back when the message expires.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAll, createUsers, directRooms, disconnectAll, fill } from '../clients.mjs';
import { table } from '../report.mjs';

const AIM_BYTES = 500;
const WARM_UP_MESSAGES = 5000;
const WARM_UP_TTL_S = 2;
const EXPIRY_SLACK_MS = 3000;

async function variant(context, clientId) {
  const { messages, pairs, rooms: roomCount } = context.options;
  const server = await context.start(context.subject);
  const users = await createUsers(server, pairs * 2);
  await connectAll(server, users, context.fail);
  const recipients = users.slice(pairs);
  const rooms = directRooms(users.slice(0, pairs), recipients, roomCount);
  let expired = 0;
  recipients.forEach(({ socket }) => socket.on('message:expired', ({ messageIds }) => (expired += messageIds.length)));

  // Opens the rooms and warms the code, so that neither counts as a message.
  const rate = await fill(rooms, WARM_UP_MESSAGES, { ttl: WARM_UP_TTL_S });
  await sleep(WARM_UP_TTL_S * 1000 + EXPIRY_SLACK_MS);
  const warmed = expired;

  // Long enough that nothing expires before the last measurement of the full store.
  const ttl = Math.ceil((messages / rate) * 2) + 15;
  let [first, last] = [Infinity, 0];
  const onAck = ({ expiresAt }) => {
    const at = +new Date(expiresAt);
    [first, last] = [Math.min(first, at), Math.max(last, at)];
  };
  const half = Math.floor(messages / 2);
  const empty = await server.measureMemory();
  await fill(rooms, half, { ttl, clientId, onAck });
  const halfFull = await server.measureMemory();
  await fill(rooms, messages - half, { ttl, clientId, onAck });
  const full = await server.measureMemory();
  if (Date.now() >= first) {
    throw new Error('messages expired before the full store was measured: the machine is too slow or too busy');
  }
  context.progress(`${clientId ? 'with' : 'without'} clientId: stored, waiting for expiry`);
  await sleep(last - Date.now() + EXPIRY_SLACK_MS);
  if (expired !== warmed + messages) {
    throw new Error(`${messages} messages were stored, ${expired - warmed} were told to be expired`);
  }
  const after = await server.measureMemory();
  disconnectAll(users);
  await server.stop();

  const each = (from, to, count, key) => (to[key] - from[key]) / count;
  return {
    samples: { empty, halfFull, full, after },
    rss: each(empty, full, messages, 'rss'),
    rssSecondHalf: each(halfFull, full, messages - half, 'rss'),
    heap: each(empty, full, messages, 'heap'),
    external: each(empty, full, messages, 'external'),
    heapKept: each(empty, after, messages, 'heap') + each(empty, after, messages, 'external'),
  };
}

export async function run(context) {
  const results = { without: await variant(context, false), with: await variant(context, true) };
  const mib = (bytes) => bytes / 2 ** 20;
  const rows = ['without', 'with'].flatMap((kind) => {
    const { samples, ...each } = results[kind];
    const row = (label, value, aim) => [`${kind} clientId: ${label}`, value, aim, aim === undefined ? '' : value / aim];
    return [
      row('RSS a message, bytes', each.rss, AIM_BYTES),
      row('of the second half of them', each.rssSecondHalf, AIM_BYTES),
      row('heap a message, bytes', each.heap),
      row('external a message, bytes', each.external),
      row('heap at the start, MiB', mib(samples.empty.heap)),
      row('heap with all stored, MiB', mib(samples.full.heap)),
      row('heap after expiry, MiB', mib(samples.after.heap), mib(samples.empty.heap)),
      row('heap and external kept after expiry, bytes a message', each.heapKept),
      row('RSS at the start, MiB', mib(samples.empty.rss)),
      row('RSS with all stored, MiB', mib(samples.full.rss)),
      row('RSS after expiry, MiB', mib(samples.after.rss)),
    ];
  });
  return { text: table(['', context.subject.label, 'aim', 'ratio to aim'], rows), rows, results };
}
