// node bench/run.mjs [suite...] [flags]: see README.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { registeredAccount, signedAccount } from './clients.mjs';
import { machine } from './report.mjs';
import { cores, killAll, pinGenerator, startServer } from './server.mjs';
import * as expiry from './suites/expiry.mjs';
import * as fanout from './suites/fanout.mjs';
import * as hostile from './suites/hostile.mjs';
import * as idle from './suites/idle.mjs';
import * as memory from './suites/memory.mjs';
import * as nodes from './suites/nodes.mjs';
import * as send from './suites/send.mjs';

const SUITES = { send, fanout, memory, idle, expiry, nodes, hostile };
/** The relay keeps nothing: there is nothing of it to measure in these. */
const STORE_SUITES = ['memory', 'expiry', 'nodes', 'hostile'];
const COUNTS = {
  seconds: 4,
  rounds: 3,
  pairs: 100,
  members: 1000,
  messages: 200_000,
  rooms: 1000,
  connections: 2000,
  pending: 1_000_000,
  ttl: 0,
  timeout: 15,
};
const TEXTS = {
  relay: 'plain',
  subject: 'mayfly',
  entry: 'dist/main.js',
  storms: '',
  json: '',
  namespace: '/',
  'node-flags': '',
};

function readArguments() {
  const text = (value) => ({ type: 'string', default: String(value) });
  const flags = Object.fromEntries(Object.entries({ ...COUNTS, ...TEXTS }).map(([name, value]) => [name, text(value)]));
  flags.env = { type: 'string', multiple: true, default: [] };
  const { values, positionals } = parseArgs({ options: flags, allowPositionals: true });
  const options = { ...values };
  for (const name of Object.keys(COUNTS)) {
    options[name] = Number(values[name]);
    if (!Number.isInteger(options[name]) || options[name] < (name === 'ttl' ? 0 : 1)) {
      throw new Error(`--${name} must be a whole number`);
    }
  }
  if (!existsSync('/proc/self/stat')) {
    throw new Error('CPU and memory are read from /proc: this needs Linux');
  }
  const unknown = positionals.filter((name) => !Object.hasOwn(SUITES, name));
  if (unknown.length > 0) {
    throw new Error(`no suite ${unknown.join(', ')}: there are ${Object.keys(SUITES).join(', ')}`);
  }
  if (!['plain', 'contract'].includes(options.relay) || !['mayfly', 'stock'].includes(options.subject)) {
    throw new Error('--relay is plain or contract, --subject is mayfly or stock');
  }
  if (!['/', '/rooms'].includes(options.namespace)) {
    throw new Error('--namespace is / or /rooms');
  }
  const known = Object.keys(SUITES).filter((name) => options.subject === 'mayfly' || !STORE_SUITES.includes(name));
  return { options, suites: positionals.length > 0 ? positionals : known };
}

/** Options of Node that the product is started with. */
function productionFlags() {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return scripts['start:prod'].split(' ').slice(1, -1);
}

function targets({ relay, entry, subject, env }) {
  const stock = {
    name: 'stock',
    label: 'stock again',
    entry: fileURLToPath(new URL('./stock-relay.mjs', import.meta.url)),
    env: { RELAY_SHAPE: relay },
    account: signedAccount,
    stores: false,
  };
  const mayfly = {
    name: 'mayfly',
    label: 'mayfly',
    entry: resolve(entry),
    env: Object.fromEntries(env.map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)])),
    flags: productionFlags(),
    account: registeredAccount,
    stores: true,
  };
  if (subject === 'mayfly' && !existsSync(mayfly.entry)) {
    throw new Error(`${entry} is not there: npm run build`);
  }
  return { stock, subject: subject === 'mayfly' ? mayfly : stock };
}

/** Runs one suite until it ends, a server or a socket is lost, or its time is over; leaves no server behind. */
async function runSuite(name, options, { stock, subject }) {
  let fail;
  const failed = new Promise((_, reject) => (fail = reject));
  const timer = setTimeout(() => fail(new Error(`not done in ${options.timeout} minutes`)), options.timeout * 60_000);
  const nodeFlags = options['node-flags'].split(' ').filter(Boolean);
  const context = {
    options,
    stock,
    subject,
    fail,
    start: (target, env, more = {}) => startServer(target, { env, nodeFlags, fail, ...more }),
    progress: (text) => process.stderr.write(`${name}: ${text}\n`),
  };
  try {
    return await Promise.race([SUITES[name].run(context), failed]);
  } finally {
    clearTimeout(timer);
    killAll();
  }
}

async function main() {
  const { options, suites } = readArguments();
  const chosen = targets(options);
  const report = { machine: machine(cores), options, suites: {} };
  pinGenerator();
  if (!cores) {
    process.stderr.write('taskset or a second core is missing: nothing is pinned, figures will be noisy\n');
  }
  for (const name of suites) {
    try {
      const { text, ...result } = await runSuite(name, options, chosen);
      report.suites[name] = result;
      console.log(`\n### ${name}\n\n${text}`);
    } catch (error) {
      report.suites[name] = { error: error.message };
      process.exitCode = 1;
      console.error(`\n${name} could not be measured: ${error.message}`);
    }
  }
  console.log(
    `\n${Object.entries(report.machine)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n')}`,
  );
  if (options.json) {
    writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

process.on('exit', killAll);
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
// What a suite that has failed left behind (sockets, timers) must not keep the process.
main().then(
  () => process.exit(),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
