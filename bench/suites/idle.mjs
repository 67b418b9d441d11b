// What a connection costs that says nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAll, createUsers, disconnectAll } from '../clients.mjs';
import { table } from '../report.mjs';
import { maxOpenFiles } from '../server.mjs';

const WARM_UP_CONNECTIONS = 100;
const SETTLE_MS = 4000;

async function measure(context, target) {
  const { connections } = context.options;
  // Every user is a stranger to every other: what is measured is the connection, not thousands of presence events.
  const server = await context.start(target, { PRESENCE_SCOPE: 'contacts' });
  const users = await createUsers(server, connections);
  const warmUp = users.slice(0, WARM_UP_CONNECTIONS);
  await connectAll(server, warmUp, context.fail);
  disconnectAll(warmUp);
  await sleep(SETTLE_MS);
  const before = await server.measureMemory();
  await connectAll(server, users, context.fail);
  await sleep(SETTLE_MS);
  const after = await server.measureMemory();
  disconnectAll(users);
  await server.stop();
  const each = (key) => (after[key] - before[key]) / connections / 1024;
  return { rss: each('rss'), heap: each('heap'), external: each('external'), before, after };
}

export async function run(context) {
  const { options, stock, subject } = context;
  if (maxOpenFiles() < options.connections + 200) {
    throw new Error(`${options.connections} connections need more open files than ${maxOpenFiles()}: raise ulimit -n`);
  }
  const base = await measure(context, stock);
  const ours = await measure(context, subject);
  const row = (label, key) => [label, base[key], ours[key], ours[key] / base[key]];
  const rows = [
    row('RSS a connection, KiB', 'rss'),
    row('heap a connection, KiB', 'heap'),
    row('external a connection, KiB', 'external'),
  ];
  return { text: table(['', stock.name, subject.label, 'ratio'], rows), rows, results: { base, ours } };
}
