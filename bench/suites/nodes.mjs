// What several nodes cost: the same load on one node in memory, and on one, two and three nodes over one Redis.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAll, CONTENT_BYTES, createUsers, directRoomId, disconnectAll, pump } from '../clients.mjs';
import { hasRedis, RedisProcess } from '../redis.mjs';
import { percentile, table } from '../report.mjs';

const IN_FLIGHT = 4;
const WARM_UP_S = 2;
const KINDS = [
  { label: '1, memory', nodes: 1, redis: false },
  { label: '1, Redis', nodes: 1, redis: true },
  { label: '2, Redis', nodes: 2, redis: true },
  { label: '3, Redis', nodes: 3, redis: true },
];
/** Of each pair one is on one node, the other on the next: every message crosses where there is something to cross. */
async function connectPairs(context, servers, users) {
  const seats = servers.map(() => []);
  users.forEach((user, index) => seats[index % servers.length].push(user));
  await Promise.all(servers.map((server, node) => connectAll(server, seats[node], context.fail)));
  const pairs = [];
  for (let i = 0; i + 1 < users.length; i += 2) {
    pairs.push({
      socket: users[i].socket,
      recipient: users[i + 1].socket,
      roomId: directRoomId(users[i], users[i + 1]),
    });
  }
  return pairs;
}

async function load(pairs, seconds) {
  const acks = [];
  let [sending, delivered, acked] = [true, 0, 0];
  const next = ({ roomId }) => (sending ? { roomId, content: 'x'.repeat(CONTENT_BYTES) } : undefined);
  const onMessage = () => (delivered += 1);
  pairs.forEach(({ recipient }) => recipient.on('message:new', onMessage));
  const done = pump(pairs, IN_FLIGHT, next, (_ack, ms) => {
    acked += 1;
    acks.push(ms);
  });
  const started = performance.now();
  await Promise.race([done, sleep(seconds * 1000)]);
  const elapsed = (performance.now() - started) / 1000;
  sending = false;
  await done;
  for (let waited = 0; delivered < acked && waited < 5000; waited += 20) {
    await sleep(20);
  }
  pairs.forEach(({ recipient }) => recipient.off('message:new', onMessage));
  if (delivered !== acked) {
    throw new Error(`${acked} messages were acked, ${delivered} were delivered`);
  }
  return { acked, rate: acked / elapsed, p50: percentile(acks, 50), p99: percentile(acks, 99) };
}

async function measure(context, { nodes, redis: withRedis }) {
  const redis = withRedis ? await RedisProcess.start(context.fail) : undefined;
  const env = redis ? { REDIS_URL: redis.url } : {};
  const servers = [];
  for (let i = 0; i < nodes; i += 1) {
    servers.push(await context.start(context.subject, env));
  }
  const users = await createUsers(servers[0], context.options.pairs * 2);
  const pairs = await connectPairs(context, servers, users);
  await load(pairs, WARM_UP_S);
  const cpu = () => servers.reduce((sum, server) => sum + server.cpuSeconds(), 0);
  const before = {
    cpu: cpu(),
    redisCpu: redis?.cpuSeconds() ?? 0,
    calls: await redis?.calls(),
    bytes: await redis?.memory(),
  };
  const result = await load(pairs, context.options.seconds);
  const figures = { ...result, cpuUs: ((cpu() - before.cpu) * 1e6) / result.acked };
  if (redis) {
    const after = await redis.calls();
    // Scripts are called by nodes alone, and what a script calls is no round trip: those are the scripts themselves.
    figures.trips = ((after.evalsha ?? 0) - (before.calls.evalsha ?? 0)) / result.acked;
    figures.redisCpuUs = ((redis.cpuSeconds() - before.redisCpu) * 1e6) / result.acked;
    figures.redisBytes = ((await redis.memory()) - before.bytes) / result.acked;
  }
  disconnectAll(users);
  await Promise.all(servers.map((server) => server.stop()));
  await redis?.stop();
  return figures;
}

export async function run(context) {
  if (!hasRedis()) {
    throw new Error('redis-server is not installed');
  }
  const figures = [];
  for (const kind of KINDS) {
    context.progress(kind.label);
    figures.push({ ...kind, ...(await measure(context, kind)) });
  }
  const [base] = figures;
  const rows = figures.map((row) => [
    row.label,
    row.rate,
    row.rate / base.rate,
    row.cpuUs,
    row.cpuUs / base.cpuUs,
    row.redisCpuUs,
    row.trips,
    row.redisBytes,
    row.p50,
    row.p99,
  ]);
  const head = [
    'nodes',
    'messages/s',
    'ratio',
    'CPU µs a message, nodes',
    'ratio',
    'CPU µs, Redis',
    'script calls a send',
  ];
  return { figures, text: table([...head, 'bytes a message in Redis', 'ack p50, ms', 'ack p99, ms'], rows) };
}
