// How late a message goes, while very many others wait for their deadlines.
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_BYTES, connectAll, createUsers, directRooms, disconnectAll, fill } from '../clients.mjs';
import { percentile, table } from '../report.mjs';

const FAR_TTL_S = 86_400;
const SAMPLE_RATE = 1000;
const SAMPLE_S = 20;
/** Longer than the sending of the samples, so that they expire while nobody sends. */
const SAMPLE_TTL_S = 25;
const TICK_MS = 10;
const GIVE_UP_MS = 10_000;

/** Sends `SAMPLE_RATE` messages a second, evenly; resolves with id → deadline once all are acked. */
async function sendSamples(rooms, fail) {
  const deadlines = new Map();
  const content = 'x'.repeat(CONTENT_BYTES);
  const count = SAMPLE_RATE * SAMPLE_S;
  const started = performance.now();
  for (let sent = 0; sent < count;) {
    const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * SAMPLE_RATE));
    for (; sent < due; sent += 1) {
      const { sender, roomId } = rooms[sent % rooms.length];
      sender.socket.emit('message:send', { roomId, content, ttl: SAMPLE_TTL_S }, (ack) => {
        if (ack?.success !== true) {
          fail(new Error(`message:send was refused: ${JSON.stringify(ack)}`));
          return;
        }
        deadlines.set(ack.messageId, +new Date(ack.expiresAt));
      });
    }
    await sleep(TICK_MS);
  }
  while (deadlines.size < count) {
    await sleep(TICK_MS);
  }
  return deadlines;
}

export async function run(context) {
  const { pending, pairs, rooms: roomCount } = context.options;
  const server = await context.start(context.subject);
  const users = await createUsers(server, pairs * 2);
  await connectAll(server, users, context.fail);
  const recipients = users.slice(pairs);
  const rooms = directRooms(users.slice(0, pairs), recipients, roomCount);

  const before = await server.measureMemory();
  const rate = await fill(rooms, pending, { inFlight: 32, ttl: FAR_TTL_S, progress: context.progress });
  const full = await server.measureMemory();

  const receivedAt = new Map();
  const onExpired = ({ messageIds }) => {
    const now = Date.now();
    messageIds.forEach((id) => receivedAt.set(id, now));
  };
  recipients.forEach(({ socket }) => socket.on('message:expired', onExpired));
  context.progress('sending the samples');
  const deadlines = await sendSamples(rooms, context.fail);
  const last = [...deadlines.values()].reduce((a, b) => Math.max(a, b), 0);
  context.progress('waiting for their expiry');
  const cpu = server.cpuSeconds();
  const waited = performance.now();
  await sleep(last - Date.now());
  const busy = ((server.cpuSeconds() - cpu) / ((performance.now() - waited) / 1000)) * 100;
  while (receivedAt.size < deadlines.size && Date.now() < last + GIVE_UP_MS) {
    await sleep(TICK_MS);
  }
  disconnectAll(users);
  await server.stop();

  const lateness = [...deadlines].flatMap(([id, at]) => (receivedAt.has(id) ? [receivedAt.get(id) - at] : []));
  if (lateness.length < deadlines.size || receivedAt.size > deadlines.size) {
    throw new Error(`of ${deadlines.size} messages that were due, ${receivedAt.size} were told to be expired`);
  }
  const row = (label, value, aim) => [label, value, aim, aim === undefined ? '' : value / aim];
  const rows = [
    row('pending messages', pending),
    row('messages measured', lateness.length),
    row('lateness least, ms', percentile(lateness, 0)),
    row('lateness p50, ms', percentile(lateness, 50)),
    row('lateness p99, ms', percentile(lateness, 99), 50),
    row('lateness max, ms', percentile(lateness, 100), 250),
    row('server core busy while they expire, %', busy),
    row('messages/s while filling', rate),
    row('RSS a pending message, bytes', (full.rss - before.rss) / pending),
  ];
  return { text: table(['', context.subject.label, 'aim', 'ratio to aim'], rows), rows, results: { before, full } };
}
