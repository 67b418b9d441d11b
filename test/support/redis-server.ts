import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

const BINARY = 'redis-server';
/** Below the ports that the system gives to outgoing connections: nobody takes one between a kill and a restart. */
const PORTS = { from: 20_000, to: 32_000 };
const MAX_TRIES = 20;
const START_TIMEOUT_MS = 10_000;
/** As docs/nodes.md asks for. */
const SETTINGS = [
  ...['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'],
  ...['--maxmemory-policy', 'noeviction', '--slowlog-log-slower-than', '-1'],
];

/** Ends the server when its standard input closes, which it does however this process ends. */
const WATCHDOG = `${BINARY} "$@" & pid=$!; echo "pid:$pid"; cat > /dev/null; kill -9 $pid; wait $pid`;

/** A real `redis-server` on a port of its own, without persistence. */
export class RedisServer {
  private watchdog: ChildProcess | undefined;
  private serverPid = 0;
  private serverPort = 0;

  /** `settings` are further arguments of `redis-server`. */
  constructor(private readonly settings: readonly string[] = []) {}

  /** Stays the same over restarts. */
  get port(): number {
    return this.serverPort;
  }

  get pid(): number {
    return this.serverPid;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.serverPort}`;
  }

  /** Starts on a free port. */
  async start(): Promise<this> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      this.serverPort = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
      if (await this.launch()) {
        return this;
      }
    }
    throw new Error(`${BINARY} found no free port`);
  }

  /** Ends the server at once, as a power cut does: nothing is said to its clients, nothing of its data is left. */
  async kill(): Promise<void> {
    const { watchdog } = this;
    this.watchdog = undefined;
    if (watchdog) {
      const closed = once(watchdog, 'close');
      watchdog.stdin?.end();
      await closed;
    }
  }

  /** The same: there is nothing that it could save. For the end of a suite. */
  stop(): Promise<void> {
    return this.kill();
  }

  /** Kills the server where it runs and starts an empty one on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    if (!(await this.launch())) {
      throw new Error(`${BINARY} could not start again on port ${this.serverPort}`);
    }
  }

  /** The server stalls: connections stay open and get no answer. */
  pause(): void {
    process.kill(this.serverPid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.serverPid, 'SIGCONT');
  }

  /** False where the port is taken. */
  private async launch(): Promise<boolean> {
    const args = ['--port', String(this.serverPort), ...SETTINGS, ...this.settings];
    const watchdog = spawn('sh', ['-c', WATCHDOG, 'sh', ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
    const said = await new Promise<string>((resolve) => {
      let output = '';
      const timer = setTimeout(() => resolve(output), START_TIMEOUT_MS);
      watchdog.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (/Ready to accept connections|Address already in use|Failed listening/.test(output)) {
          clearTimeout(timer);
          resolve(output);
        }
      });
    });
    this.watchdog = watchdog;
    this.serverPid = Number(/pid:(\d+)/.exec(said)?.[1]);
    if (said.includes('Ready to accept connections')) {
      watchdog.stdout.removeAllListeners('data').resume();
      return true;
    }
    await this.kill();
    if (/Address already in use|Failed listening/.test(said)) {
      return false;
    }
    throw new Error(`${BINARY} did not start: ${said}`);
  }
}

let prefixes = 0;

/** A `REDIS_PREFIX` that no other suite, and no other test, uses. */
export function uniquePrefix(): string {
  return `t${process.pid}-${prefixes++}`;
}

/** What a suite is given: a server that runs from its `beforeAll` to its `afterAll`. */
type Suite = (server: RedisServer) => void;

/**
 * A suite on a Redis of its own, which runs while its tests do. Where the binary is missing it is skipped, loudly; in CI
 * it fails. The only skip there is.
 */
export function describeRedis(name: string, suite: Suite, settings: readonly string[] = []): void {
  if (!installed()) {
    if (process.env.CI === 'true') {
      throw new Error(`${BINARY} is not installed, and CI must test on it`);
    }
    process.stderr.write(`\n!!! ${BINARY} is not installed: "${name}" IS SKIPPED !!!\n\n`);
    describe.skip(name, () => suite(new RedisServer()));
    return;
  }
  describe(name, () => {
    const server = new RedisServer(settings);
    beforeAll(async () => {
      await server.start();
    });
    afterAll(() => server.stop());
    suite(server);
  });
}

function installed(): boolean {
  return spawnSync(BINARY, ['--version']).status === 0;
}
