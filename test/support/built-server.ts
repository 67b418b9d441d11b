import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const ROOT = join(__dirname, '..', '..');

/** Brings `dist` up to date, as `npm start` does. Blocks. */
export function buildWhenNeeded(): void {
  const script = "import { buildWhenNeeded } from './scripts/start.mjs'; buildWhenNeeded();";
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT });
}

/** The built server in a process of its own, on a free port, in an empty folder: no `.env`, no setting of the shell. */
export class BuiltServer {
  /** Lines of its log and of its standard error. */
  readonly log: string[] = [];
  /** Lines of its standard error. */
  readonly errors: string[] = [];
  /** Its exit code, once it has ended; null after a signal. */
  readonly ended: Promise<number | null>;
  /** Its working directory; goes with it. */
  readonly folder = mkdtempSync(join(tmpdir(), 'mayfly-test-'));
  private readonly child: ChildProcess;

  private constructor(settings: Record<string, string>, entry: string) {
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, NODE_ENV: 'development', PORT: '0', ...settings };
    this.child = spawn(process.execPath, [join(ROOT, 'dist', entry)], { cwd: this.folder, env });
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Starts one, or another entry of `dist`, and waits until it listens. */
  static async start(
    settings: Record<string, string> = {},
    entry = 'main.js',
  ): Promise<{ server: BuiltServer; url: string }> {
    const server = new BuiltServer(settings, entry);
    const port = await server.port();
    return { server, url: `http://localhost:${port}` };
  }

  /** Runs one that is to fail at its start: its exit code and what it said on standard error. */
  static async fail(settings: Record<string, string>): Promise<{ code: number | null; errors: string[] }> {
    const server = new BuiltServer(settings, 'main.js');
    await server.port().then(
      () => server.stop(),
      () => rmSync(server.folder, { recursive: true, force: true }),
    );
    return { code: await server.ended, errors: server.errors };
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it with SIGTERM, or at once where it does not heed that. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 12_000);
    const code = await this.ended;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }

  private port(): Promise<number> {
    return new Promise((resolve, reject) => {
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (stream) {
          createInterface({ input: stream }).on('line', (line) => {
            this.log.push(line);
            if (stream === this.child.stderr) {
              this.errors.push(line);
            }
            const [, port] = /Listening on port (\d+)/.exec(line) ?? [];
            if (port !== undefined) {
              resolve(Number(port));
            }
          });
        }
      }
      void this.ended.then(() => reject(new Error(`The server ended before it listened:\n${this.log.join('\n')}`)));
    });
  }
}
