// What a message costs: pairs of clients, one of each pair sends, the other receives.
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTENT_BYTES, connectAll, createUsers, directRoomId, disconnectAll, pump, request } from '../clients.mjs';
import { median, percentile, table } from '../report.mjs';

const IN_FLIGHT = [1, 4, 16];
const WARM_UP_S = 3;
const SETTLE_S = 0.5;

const FIGURES = [
  ['acked messages/s', 'rate'],
  ['server CPU, µs a message', 'cpuUs'],
  ['ack latency p50, ms', 'ackP50'],
  ['ack latency p99, ms', 'ackP99'],
  ['delivery latency p50, ms', 'deliveryP50'],
  ['delivery latency p99, ms', 'deliveryP99'],
  ['server core busy, %', 'serverBusy'],
  ['generator core busy, %', 'generatorBusy'],
];

async function connectPairs(context, server) {
  const users = await createUsers(server, context.options.pairs * 2);
  await connectAll(server, users, context.fail);
  const pairs = [];
  for (let i = 0; i < users.length; i += 2) {
    const [sender, recipient] = [users[i], users[i + 1]];
    const roomId = directRoomId(sender, recipient);
    await request(sender.socket, 'room:join', { roomId });
    await request(recipient.socket, 'room:join', { roomId });
    pairs.push({ socket: sender.socket, recipient: recipient.socket, roomId });
  }
  return { users, pairs };
}

/** One level of load: settles, then measures for `seconds`; sends on until the window has closed. */
async function measure(server, pairs, inFlight, seconds) {
  const [acks, deliveries] = [[], []];
  let [sending, recording, acked, delivered] = [true, false, 0, 0];
  // The content carries the time of its send; letters behind it make up the size.
  const next = ({ roomId }) =>
    sending ? { roomId, content: `${performance.now()}`.padEnd(CONTENT_BYTES, 'x') } : undefined;
  const onMessage = ({ content }) => {
    delivered += 1;
    if (recording) {
      deliveries.push(performance.now() - Number.parseFloat(content));
    }
  };
  pairs.forEach(({ recipient }) => recipient.on('message:new', onMessage));
  const done = pump(pairs, inFlight, next, (_ack, ms) => {
    acked += 1;
    if (recording) {
      acks.push(ms);
    }
  });
  await Promise.race([done, sleep(SETTLE_S * 1000)]);

  recording = true;
  const [cpu, own, at] = [server.cpuSeconds(), process.cpuUsage(), performance.now()];
  await Promise.race([done, sleep(seconds * 1000)]);
  recording = false;
  const serverCpu = server.cpuSeconds() - cpu;
  const { user, system } = process.cpuUsage(own);
  const elapsed = (performance.now() - at) / 1000;

  sending = false;
  await done;
  for (let waited = 0; delivered < acked && waited < 2000; waited += 20) {
    await sleep(20);
  }
  pairs.forEach(({ recipient }) => recipient.off('message:new', onMessage));
  if (delivered !== acked) {
    throw new Error(`${server.target.name}: ${acked} messages were acked, ${delivered} were delivered`);
  }
  return {
    rate: acks.length / elapsed,
    cpuUs: (serverCpu * 1e6) / acks.length,
    ackP50: percentile(acks, 50),
    ackP99: percentile(acks, 99),
    deliveryP50: percentile(deliveries, 50),
    deliveryP99: percentile(deliveries, 99),
    serverBusy: (serverCpu / elapsed) * 100,
    generatorBusy: (user + system) / 1e4 / elapsed,
  };
}

/** Every round starts a new process of each server, so that no figure hangs on one run of the compiler. */
async function round(context, target) {
  const { options } = context;
  const env = target.stores && options.ttl ? { MESSAGE_TTL_MS: String(options.ttl * 1000) } : {};
  const server = await context.start(target, env);
  const { users, pairs } = await connectPairs(context, server);
  await measure(server, pairs, 4, WARM_UP_S);
  const levels = {};
  for (const inFlight of IN_FLIGHT) {
    levels[inFlight] = await measure(server, pairs, inFlight, options.seconds);
  }
  disconnectAll(users);
  await server.stop();
  return levels;
}

export async function run(context) {
  const { options, stock, subject } = context;
  const [base, ours] = [[], []];
  for (let i = 1; i <= options.rounds; i += 1) {
    context.progress(`round ${i} of ${options.rounds}`);
    // First one, then the other begins: a drift of the machine must not look like a difference.
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
