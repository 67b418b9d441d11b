import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { WorkerAnswer } from './image-job';

/** Loading libvips on a busy machine. */
const START_TIMEOUT_MS = 15_000;
/** Megabytes of JavaScript heap: pictures are not in it. */
const HEAP_MB = 64;

/** The program of a child process; tests run it from its source, which is TypeScript. */
@Injectable()
export class WorkerProgram {
  readonly path: string = join(__dirname, 'image-worker.js');
  /** Arguments of Node. */
  readonly execArgv: readonly string[] = [];
}

/** How a job ended without an answer. */
export type NoAnswer = 'died' | 'hung' | 'no-start';

/**
 * One niced child process, which does one job at a time. Measured while 8 large photos are resized: messages of others
 * take 10 ms (p99), against 145 ms with sharp in this process. It does not keep this process alive.
 */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly ready: Promise<boolean>;
  private alive = true;

  constructor({ path, execArgv }: WorkerProgram) {
    this.child = fork(path, [], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`, ...execArgv],
      // Nothing of this process's environment, which has secrets. Two arenas: glibc keeps less of what was freed.
      env: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '2', VIPS_WARNING: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.exited = this.end();
    this.ready = this.answer(START_TIMEOUT_MS).then((message) => typeof message === 'object');
    if (this.child.pid !== undefined) {
      lowerPriority(this.child.pid);
    }
    this.child.unref();
    this.child.channel?.unref();
  }

  /** Whether it can take another job. */
  get usable(): boolean {
    return this.alive;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Does a job. Without an answer in time the process is gone, and has let go of its files, when this settles. */
  async run(job: object, timeoutMs: number): Promise<WorkerAnswer | NoAnswer> {
    if (!(await this.ready)) {
      await this.kill();
      return 'no-start';
    }
    if (this.alive) {
      this.child.send(job, () => undefined);
    }
    const answer = await this.answer(timeoutMs);
    if (typeof answer !== 'object') {
      await this.kill();
    }
    return answer;
  }

  /** Ends it now, and resolves when it has ended. */
  async kill(): Promise<void> {
    this.alive = false;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private end(): Promise<void> {
    return new Promise((resolve) => {
      const ended = (): void => {
        this.alive = false;
        resolve();
      };
      this.child.once('exit', ended);
      this.child.on('error', () => {
        // Without a pid it could not even be started, and no `exit` follows.
        if (this.child.pid === undefined) {
          ended();
        }
      });
    });
  }

  private async answer(timeoutMs: number): Promise<WorkerAnswer | NoAnswer> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const answered = once(this.child, 'message', { signal }).then(([message]) => message as WorkerAnswer);
    const hung = setTimeout(timeoutMs, 'hung' as const, { signal });
    try {
      return await Promise.race([answered, hung, this.exited.then(() => 'died' as const)]);
    } finally {
      answered.catch(() => undefined);
      hung.catch(() => undefined);
      waiting.abort();
    }
  }
}

/** Right after the fork, so that every thread of the child is born with it. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It is gone already, or the system has no priorities: then it runs like any other.
  }
}
