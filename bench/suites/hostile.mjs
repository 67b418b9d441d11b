// What well-behaved clients notice of hostile ones: their p99 in a quiet server, and beside each kind of storm.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_BYTES, connectAll, createUsers, directRoomId, disconnectAll, request } from '../clients.mjs';
import { format, median, percentile, table } from '../report.mjs';
import { maxOpenFiles } from '../server.mjs';

const STORM = fileURLToPath(new URL('../storm.mjs', import.meta.url));
/** Well-behaved: pairs, and what one of each sends a second; well within the limits set below. */
const PAIRS = 50;
const MESSAGES_PER_SECOND = 6;
const WARM_UP_S = 2;
const DELIVERY_MS = 30_000;

/** The product's own limits for events: nobody is hostile where everything is allowed. */
const LIMITS = { SOCKET_EVENTS_PER_MINUTE: '600', SOCKET_EVENTS_BURST: '20', SOCKET_OTHER_EVENTS_PER_MINUTE: '600' };
const UPLOADS = { UPLOADS_PER_MINUTE: '100000' };

/** `settleS`: from a storm's beginning to the window, so that the server is seen to defend itself in it. */
const STORMS = [
  { name: 'login', label: '50 logins at once', users: 50, env: { BCRYPT_ROUNDS: '10' }, settleS: 1, bound: 2 },
  { name: 'photos', label: '8 photos of 12 megapixels at once', users: 8, env: UPLOADS, settleS: 1, bound: 2 },
  { name: 'flood', label: '10 sockets that flood', users: 10, env: {}, settleS: 1, bound: 2 },
  // Its writers may write so fast that readers run full within the window.
  {
    name: 'slow',
    label: '20 readers that do not read',
    users: 4,
    env: { SOCKET_EVENTS_PER_MINUTE: '6000' },
    settleS: 8,
    bound: 1.2,
  },
  { name: 'strangers', label: 'connections that never authenticate', users: 0, env: {}, settleS: 6, bound: 1.2 },
];

/** Sends at a steady rate, whatever comes back, for so many seconds. Gives times from send to delivery, and to ack. */
async function measure(pairs, seconds) {
  const [deliveries, acks] = [[], []];
  let sent = 0;
  const onMessage = ({ content }) => deliveries.push(performance.now() - Number.parseFloat(content));
  pairs.forEach(({ recipient }) => recipient.on('message:new', onMessage));
  const everyMs = 1000 / (MESSAGES_PER_SECOND * pairs.length);
  const begun = performance.now();
  for (let due = 0; due < seconds * 1000; due += everyMs) {
    const { socket, roomId } = pairs[sent % pairs.length];
    const ahead = begun + due - performance.now();
    if (ahead > 0) {
      await sleep(ahead);
    }
    const at = performance.now();
    socket.emit('message:send', { roomId, content: `${at}`.padEnd(CONTENT_BYTES, 'x') }, (ack) => {
      acks.push(ack.success === true ? performance.now() - at : NaN);
    });
    sent += 1;
  }
  for (let waited = 0; (acks.length < sent || deliveries.length < sent) && waited < DELIVERY_MS; waited += 20) {
    await sleep(20);
  }
  pairs.forEach(({ recipient }) => recipient.off('message:new', onMessage));
  if (acks.some(Number.isNaN) || acks.length !== sent || deliveries.length !== sent) {
    const refused = acks.filter(Number.isNaN).length;
    throw new Error(
      `of ${sent} messages ${acks.length} were acked, ${refused} refused, ${deliveries.length} delivered`,
    );
  }
  return { deliveryP99: percentile(deliveries, 99), ackP99: percentile(acks, 99), deliveryP50: median(deliveries) };
}

/** The storm in a process of its own, which gives way to the clients that are measured. */
async function begin(storm, task, fail) {
  const child = fork(STORM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  setPriority(child.pid, 19);
  let ended = false;
  child.on('exit', () => !ended && fail(new Error(`the storm ${storm.name} ended by itself`)));
  child.on('message', ({ error }) => error && fail(new Error(error)));
  const ready = once(child, 'message');
  child.send({ storm: storm.name, ...task });
  await ready;
  return async () => {
    ended = true;
    const told = once(child, 'message');
    child.send('end');
    const [{ counts }] = await told;
    await once(child, 'exit');
    return counts;
  };
}

async function round(context, storm) {
  const { options, fail, subject } = context;
  const server = await context.start(subject, { ...LIMITS, ...storm.env }, { pinned: false });
  const people = await createUsers(server, PAIRS * 2 + storm.users);
  const users = people.slice(0, PAIRS * 2);
  await connectAll(server, users, fail);
  const pairs = [];
  for (let i = 0; i < users.length; i += 2) {
    const pair = {
      socket: users[i].socket,
      recipient: users[i + 1].socket,
      roomId: directRoomId(users[i], users[i + 1]),
    };
    await request(pair.socket, 'room:join', { roomId: pair.roomId });
    await request(pair.recipient, 'room:join', { roomId: pair.roomId });
    pairs.push(pair);
  }
  await measure(pairs, WARM_UP_S);
  const quiet = await measure(pairs, options.seconds);
  const hostile = people.slice(PAIRS * 2);
  const end = await begin(storm, { url: server.url, users: hostile, connections: options.connections }, fail);
  await sleep(storm.settleS * 1000);
  const [cpu, at] = [server.cpuSeconds(), performance.now()];
  const stormy = await measure(pairs, options.seconds);
  const busy = (server.cpuSeconds() - cpu) / ((performance.now() - at) / 1000);
  const counts = await end();
  disconnectAll(users);
  await server.stop();
  return { quiet, stormy, ratio: stormy.deliveryP99 / quiet.deliveryP99, busy, counts };
}

export async function run(context) {
  const { options } = context;
  if (maxOpenFiles() < options.connections + 500) {
    throw new Error(`${options.connections} connections need more open files than ${maxOpenFiles()}: raise ulimit -n`);
  }
  const chosen = STORMS.filter(({ name }) => options.storms === '' || options.storms.split(',').includes(name));
  if (chosen.length === 0) {
    throw new Error(`no storm ${options.storms}: there are ${STORMS.map(({ name }) => name).join(', ')}`);
  }
  const rows = [];
  const rounds = {};
  for (const storm of chosen) {
    const results = [];
    for (let i = 1; i <= options.rounds; i += 1) {
      context.progress(`${storm.name}, round ${i} of ${options.rounds}`);
      results.push(await round(context, storm));
    }
    rounds[storm.name] = results;
    const of = (pick) => median(results.map(pick));
    const ratios = results.map(({ ratio }) => ratio).sort((a, b) => a - b);
    const did = Object.entries(results.at(-1).counts).map(([what, count]) => `${format(count)} ${what}`);
    rows.push([
      storm.label,
      of(({ quiet }) => quiet.deliveryP99),
      of(({ stormy }) => stormy.deliveryP99),
      of(({ ratio }) => ratio),
      `${ratios[0].toFixed(2)}–${ratios.at(-1).toFixed(2)}`,
      storm.bound,
      of(({ stormy }) => stormy.ackP99),
      of(({ busy }) => busy * 100),
      did.join(', '),
    ]);
  }
  const header = ['storm', 'quiet p99, ms', 'p99, ms', 'ratio', 'ratios of the rounds', 'aim', 'ack p99, ms'];
  const text = table([...header, 'server busy, %', 'what it did, last round'], rows);
  return { text, rows, rounds };
}
