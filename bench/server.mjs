// Starts servers under test, each in its own process, and measures them from outside.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const PROBE = fileURLToPath(new URL('./probe.cjs', import.meta.url));
const START_MS = 30_000;
const STOP_MS = 5000;
const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** Same for both servers; the product's limits are opened so that they are paid for but never met. */
export const SECRETS = {
  JWT_SECRET: 'bench-only-3f1c9f5a7d0e4b6882c5a1b0d9e7f6a4',
  JWT_ISSUER: 'mayfly',
  JWT_AUDIENCE: 'mayfly',
};
const OPEN_LIMITS = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1',
  BCRYPT_ROUNDS: '4',
  SEED_DEMO_USERS: 'false',
  RATE_LIMIT_PER_SECOND: '100000',
  RATE_LIMIT_BURST: '1000000',
  AUTH_RATE_LIMIT_PER_MINUTE: '100000',
  SOCKET_EVENTS_PER_MINUTE: '10000000',
  SOCKET_EVENTS_BURST: '1000000',
  SOCKET_OTHER_EVENTS_PER_MINUTE: '10000000',
  MAX_SOCKETS_PER_USER: '10000',
  MAX_SOCKETS_PER_IP: '1000000',
  MAX_MESSAGES_PER_ROOM: '1000000',
  MESSAGES_MAX_BYTES: String(16 * 2 ** 30),
};

/** One core for the server and another for the generator, or null where `taskset` or a second core is missing. */
export const cores = (() => {
  if (spawnSync('taskset', ['-V']).status !== 0) {
    return null;
  }
  const list = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(\S+)/m)?.[1] ?? '';
  const allowed = list.split(',').flatMap((range) => range.split('-').map(Number));
  const [server, generator] = [allowed[0], allowed.at(-1)];
  return server === generator ? null : { server, generator };
})();

export function pinGenerator() {
  if (cores) {
    spawnSync('taskset', ['-a', '-c', '-p', String(cores.generator), String(process.pid)]);
  }
}

const running = new Set();

/** Kills what still runs. Synchronous, so that it also works in an `exit` handler. */
export function killAll() {
  for (const server of running) {
    server.closing = true;
    server.child.kill('SIGKILL');
    rmSync(server.cwd, { recursive: true, force: true });
  }
  running.clear();
}

/** Descriptors that one process may have open: each connection takes one on either side. */
export const maxOpenFiles = () =>
  Number(readFileSync('/proc/self/limits', 'utf8').match(/^Max open files\s+(\d+)/m)?.[1] ?? Infinity);

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * Starts `target` on a free port, in an empty working directory (no `.env`, no uploads left behind) and with no
 * settings but those given; not `pinned`, it may use every core. Resolves once it answers HTTP. `fail` is told if it ends by itself later.
 */
export async function startServer(target, { env = {}, nodeFlags = [], pinned = true, fail }) {
  const port = await freePort();
  const cwd = mkdtempSync(join(tmpdir(), 'mayfly-bench-'));
  const flags = [...(target.flags ?? []), ...nodeFlags];
  const node = [process.execPath, '--expose-gc', '--require', PROBE, ...flags, target.entry];
  const [command, ...args] = cores && pinned ? ['taskset', '-c', String(cores.server), ...node] : node;
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH, ...OPEN_LIMITS, ...SECRETS, ...target.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const server = new ServerProcess(target, child, port, cwd, fail);
  running.add(server);
  await server.ready();
  return server;
}

/** Seconds of CPU of a process, user and system, all threads, since its start. */
export function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the command in brackets and may hold spaces: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

class ServerProcess {
  closing = false;
  #output = '';

  constructor(target, child, port, cwd, fail) {
    Object.assign(this, { target, child, cwd, url: `http://127.0.0.1:${port}` });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => (this.#output = (this.#output + chunk).slice(-8000)));
    }
    child.on('error', fail);
    // `close` and not `exit`: only then is all of its output here.
    child.on('close', (code, signal) => {
      if (!this.closing) {
        fail(new Error(`${target.name} server ended (${signal ?? code}):\n${this.#output}`));
      }
    });
  }

  async ready() {
    const deadline = Date.now() + START_MS;
    while (!(await fetch(this.url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined))) {
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${this.target.name} server does not answer:\n${this.#output}`);
      }
      await sleep(50);
    }
  }

  /** Seconds of CPU since its start. */
  cpuSeconds() {
    return cpuSecondsOf(this.child.pid);
  }

  /** Bytes after full garbage collections. */
  async measureMemory() {
    const reply = once(this.child, 'message');
    this.child.send('measure');
    const [{ heapUsed, external }] = await reply;
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return { rss: Number(status.match(/^VmRSS:\s*(\d+)/m)[1]) * 1024, heap: heapUsed, external };
  }

  /** By `process.exit`: neither waits for a drain nor dies of a signal, which would lose a `--cpu-prof`. */
  async stop() {
    this.closing = true;
    const closed = once(this.child, 'close');
    this.child.send('exit');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await closed;
    clearTimeout(timer);
    rmSync(this.cwd, { recursive: true, force: true });
    running.delete(this);
  }
}
