// What a message to many costs: one room of `members`, one of whom sends; all listen.
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_BYTES, connectAll, createUsers, disconnectAll, inBatches, post, request } from '../clients.mjs';
import { listenAll } from '../listeners.mjs';
import { median, table } from '../report.mjs';
import { maxOpenFiles } from '../server.mjs';

/** Messages that have not reached everyone yet. */
const IN_FLIGHT = [1, 8];
const WARM_UP_S = 2;
const JOIN_AT_ONCE = 16;

const FIGURES = [
  ['deliveries/s', 'rate'],
  ['server CPU, µs a delivery', 'cpuUs'],
  ['server core busy, %', 'serverBusy'],
  ['generator core busy, %', 'generatorBusy'],
];

/** What a room is made by, joined by and spoken in, in each namespace of Mayfly; the relay speaks as `/`. */
const DIALECTS = {
  '/': { join: (roomId) => ['room:join', { roomId }], send: 'message:send' },
  '/rooms': { join: () => ['join-rooms'], send: 'send-message' },
};

async function openRoom(server, users) {
  if (!server.target.stores) {
    return 'fanout';
  }
  const [creator, ...others] = users;
  const settings = { maxMembers: users.length };
  const { roomId } = await post(server, creator, 'chat/rooms', { type: 'public', name: 'fanout', settings });
  await inBatches(others, JOIN_AT_ONCE, (user) => post(server, user, `chat/rooms/${roomId}/join`));
  return roomId;
}

/** Sends so that `inFlight` messages have not reached all `reach` sockets, for `seconds`; then waits for the rest. */
async function measure(server, { sender, send, roomId, counter, reach }, inFlight, seconds) {
  const content = 'x'.repeat(CONTENT_BYTES);
  let [sending, sent, refused] = [true, 0, undefined];
  counter.delivered = 0;
  const next = () => {
    sent += 1;
    sender.emit(send, { roomId, content }, (ack) => {
      refused ??= ack?.success === true ? undefined : ack;
    });
  };
  counter.onDelivery = () => {
    if (sending && counter.delivered >= (sent - inFlight + 1) * reach) {
      next();
    }
  };
  const [cpu, own, at] = [server.cpuSeconds(), process.cpuUsage(), performance.now()];
  for (let i = 0; i < inFlight; i += 1) {
    next();
  }
  await sleep(seconds * 1000);
  const delivered = counter.delivered;
  const serverCpu = server.cpuSeconds() - cpu;
  const { user, system } = process.cpuUsage(own);
  const elapsed = (performance.now() - at) / 1000;

  sending = false;
  for (let waited = 0; counter.delivered < sent * reach && waited < 5000; waited += 20) {
    await sleep(20);
  }
  if (refused || counter.delivered !== sent * reach) {
    const why = refused ? JSON.stringify(refused) : `${counter.delivered} deliveries of ${sent} messages to ${reach}`;
    throw new Error(`${server.target.name}: ${why}`);
  }
  return {
    rate: delivered / elapsed,
    cpuUs: (serverCpu * 1e6) / delivered,
    serverBusy: (serverCpu / elapsed) * 100,
    generatorBusy: (user + system) / 1e4 / elapsed,
  };
}

async function round(context, target) {
  const { options, fail } = context;
  const namespace = target.stores ? options.namespace : '/';
  const { join, send } = DIALECTS[namespace];
  // Who comes online is not what a message costs.
  const server = await context.start(target, { PRESENCE_SCOPE: 'contacts', MAX_MEMBERS_PER_ROOM: '100000' });
  const users = await createUsers(server, options.members);
  const roomId = await openRoom(server, users);
  const counter = { delivered: 0, onDelivery: () => {} };
  const onMessage = () => {
    counter.delivered += 1;
    counter.onDelivery();
  };
  const [creator, ...others] = users;
  await connectAll(server, [creator], fail, namespace);
  const { socket: sender } = creator;
  await request(sender, ...join(roomId));
  await listenAll(server, others, { namespace, join: join(roomId), onMessage, fail });
  const scene = { sender, send, roomId, counter, reach: others.length };
  await measure(server, scene, IN_FLIGHT.at(-1), WARM_UP_S);
  const levels = {};
  for (const inFlight of IN_FLIGHT) {
    levels[inFlight] = await measure(server, scene, inFlight, options.seconds);
  }
  server.closing = true;
  disconnectAll(users);
  others.forEach(({ listener }) => listener.terminate());
  await server.stop();
  return levels;
}

export async function run(context) {
  const { options, stock, subject } = context;
  if (maxOpenFiles() < options.members + 200) {
    throw new Error(`${options.members} members need more open files than ${maxOpenFiles()}: raise ulimit -n`);
  }
  const [base, ours] = [[], []];
  for (let i = 1; i <= options.rounds; i += 1) {
    context.progress(`round ${i} of ${options.rounds}`);
    const turns = [
      () => round(context, stock).then((r) => base.push(r)),
      () => round(context, subject).then((r) => ours.push(r)),
    ];
    for (const turn of i % 2 === 1 ? turns : turns.reverse()) {
      await turn();
    }
  }
  const rows = IN_FLIGHT.flatMap((inFlight) =>
    FIGURES.map(([label, key]) => {
      const [b, o] = [base.map((levels) => levels[inFlight][key]), ours.map((levels) => levels[inFlight][key])];
      const ratios = o.map((value, i) => value / b[i]).sort((x, y) => x - y);
      const spread = `${ratios[0].toFixed(2)}–${ratios.at(-1).toFixed(2)}`;
      return [`${inFlight} in flight: ${label}`, median(b), median(o), median(o) / median(b), spread];
    }),
  );
  const text = table(['', stock.name, subject.label, 'ratio', 'ratios of the rounds'], rows);
  return { text, rows, rounds: { [stock.name]: base, [subject.label]: ours } };
}
