// A `redis-server` for the suite of several nodes: on a free port, without persistence, measured from outside.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { cpuSecondsOf, freePort } from './server.mjs';

const START_MS = 10_000;

export const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0;

export class RedisProcess {
  static async start(fail) {
    const port = await freePort();
    const settings = ['--port', port, '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'];
    const child = spawn('redis-server', settings.map(String), { stdio: 'ignore' });
    const redis = new RedisProcess();
    Object.assign(redis, { child, url: `redis://127.0.0.1:${port}`, client: new Redis(port, { lazyConnect: true }) });
    redis.client.on('error', () => {});
    child.on('error', fail);
    process.on('exit', () => child.kill('SIGKILL'));
    for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(50)) {
      if (await redis.client.ping().catch(() => undefined)) {
        return redis;
      }
    }
    throw new Error('redis-server does not answer');
  }

  cpuSeconds() {
    return cpuSecondsOf(this.child.pid);
  }

  /** Bytes of all data. */
  async memory() {
    return Number(/used_memory_dataset:(\d+)/.exec(await this.client.info('memory'))[1]);
  }

  /** Calls by command since the start; those that scripts make count too. */
  async calls() {
    const stats = await this.client.info('commandstats');
    return Object.fromEntries(
      [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]),
    );
  }

  async stop() {
    this.client.disconnect();
    const closed = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await closed;
  }
}
