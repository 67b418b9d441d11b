import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { describeRedis, uniquePrefix } from '../../test/support/redis-server';
import { AppConfig } from '../config/app-config';
import { Redis } from './redis';

/** What guarantees.md gives a refusal. */
const PROMISE_MS = 3000;

const open: Redis[] = [];

function connect(url: string, settings: Record<string, string> = {}): Redis {
  const redis = new Redis(AppConfig.from({ REDIS_URL: url, REDIS_PREFIX: uniquePrefix(), ...settings }));
  open.push(redis);
  return redis;
}

beforeEach(() => Logger.overrideLogger(false));

afterEach(() => {
  jest.restoreAllMocks();
  for (const redis of open.splice(0)) {
    redis.onApplicationShutdown();
  }
});

/** How long a refusal took, ms; fails where there was none. */
async function refusedAfter(redis: Redis): Promise<number> {
  const from = performance.now();
  await expect(redis.run((client) => client.set(redis.key('x'), '1'))).rejects.toMatchObject({
    code: 'CapacityError',
    retryAfter: 1,
  });
  return performance.now() - from;
}

async function untilReady(redis: Redis): Promise<void> {
  while (!redis.ready) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describeRedis('Redis', (server) => {
  it('waits for the connection that is being made', async () => {
    const redis = connect(server.url);
    expect(redis.ready).toBe(false);
    expect(await redis.run((client) => client.incr(redis.key('x')))).toBe(1);
    expect(redis.ready).toBe(true);
    expect(await redis.latency()).toBeGreaterThan(0);
  });

  it('names keys with its prefix', () => {
    expect(connect(server.url, { REDIS_PREFIX: 'p' }).key('{a}', 'b')).toBe('p:{a}:b');
  });

  it('runs a script by its hash, after a restart of Redis too', async () => {
    const redis = connect(server.url);
    const script = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    expect(await script([redis.key('n')], [2])).toBe(2);
    expect(await script([redis.key('n')], [2])).toBe(4);
    await redis.run((client) => client.script('FLUSH'));
    expect(await script([redis.key('n')], [2])).toBe(6);
    await server.restart();
    await untilReady(redis);
    expect(await script([redis.key('n')], [2])).toBe(2);
  });

  it('hands on mistakes of ours as they are', async () => {
    const redis = connect(server.url);
    await expect(redis.script('return redis.call("NONSENSE")')([], [])).rejects.toMatchObject({ name: 'ReplyError' });
    await expect(redis.run(() => Promise.reject(new TypeError('ours')))).rejects.toBeInstanceOf(TypeError);
  });

  it('refuses in time while Redis is gone, what waits for an answer at once, and recovers by itself', async () => {
    const redis = connect(server.url);
    await untilReady(redis);
    const waiting = redis.run((client) => client.blpop(redis.key('list'), 10));
    await server.kill();
    await expect(waiting).rejects.toMatchObject({ code: 'CapacityError' });
    expect(await refusedAfter(redis)).toBeLessThan(PROMISE_MS);
    // The outage is known by now.
    expect(await refusedAfter(redis)).toBeLessThan(100);
    await server.restart();
    await untilReady(redis);
    // Nothing that was refused is sent later.
    expect(await redis.run((client) => client.get(redis.key('x')))).toBeNull();
  });

  it('survives a blip without refusing anything', async () => {
    const redis = connect(server.url);
    await untilReady(redis);
    await server.restart();
    expect(await redis.run((client) => client.incr(redis.key('x')))).toBe(1);
  });

  it('refuses in time while Redis stalls, and recovers when it goes on', async () => {
    const redis = connect(server.url);
    await untilReady(redis);
    server.pause();
    try {
      const refusals = await Promise.all([refusedAfter(redis), refusedAfter(redis)]);
      expect(Math.max(...refusals)).toBeLessThan(PROMISE_MS);
      expect(redis.ready).toBe(false);
    } finally {
      server.resume();
    }
    await untilReady(redis);
    expect(await redis.run((client) => client.incr(redis.key('y')))).toBe(1);
  });

  it('lets no command through before a new connection is prepared', async () => {
    const redis = connect(server.url);
    const order: string[] = [];
    redis.onReady(async (client) => {
      await client.ping();
      order.push('prepared');
    });
    const command = async (): Promise<void> => {
      await redis.run((client) => client.ping());
      order.push('command');
    };
    await command();
    await server.restart();
    await command();
    expect(order).toEqual(['prepared', 'command', 'prepared', 'command']);
  });

  it('says once that Redis is gone and once that it is back', async () => {
    const said: string[] = [];
    const listen = (_fields: unknown, sentence?: unknown): void => void said.push(String(sentence));
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(listen);
    jest.spyOn(Logger.prototype, 'log').mockImplementation(listen);
    const redis = connect(server.url);
    await untilReady(redis);
    await server.kill();
    for (let i = 0; i < 5; i++) {
      await refusedAfter(redis);
    }
    await server.restart();
    await untilReady(redis);
    expect(said).toEqual(['Redis is connected', 'Redis does not answer', 'Redis is connected again']);
  });
});

describe('Redis that never was there', () => {
  it('refuses in time and keeps trying', async () => {
    const redis = connect('redis://127.0.0.1:1');
    expect(await refusedAfter(redis)).toBeLessThan(PROMISE_MS);
    expect(await refusedAfter(redis)).toBeLessThan(100);
  });

  it('refuses in time where it takes the connection and says nothing', async () => {
    const silent: Server = createServer((socket: Socket) => void socket.on('error', () => undefined));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const redis = connect(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    expect(await refusedAfter(redis)).toBeLessThan(PROMISE_MS);
    redis.onApplicationShutdown();
    silent.close();
  });

  it('is reached by TLS where its address says so', () => {
    const redis = connect('rediss://127.0.0.1:1');
    expect(redis.client.options.tls).toBeTruthy();
  });
});

describeRedis(
  'The slow log of Redis',
  (server) => {
    const NAME = 'slowlog-log-slower-than';
    const configured = async (redis: Redis): Promise<unknown> =>
      ((await redis.run((client) => client.config('GET', NAME))) as unknown[])[1];

    it('is off before anything is sent that it would keep, after a restart of Redis too, and that is said', async () => {
      const said = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const redis = connect(server.url);
      expect(await configured(redis)).toBe('-1');
      expect(said.mock.calls.filter(([line]) => String(line).includes(NAME))).toHaveLength(1);
      await server.restart();
      await untilReady(redis);
      expect(await configured(redis)).toBe('-1');
      said.mockClear();
      await untilReady(connect(server.url));
      expect(said).not.toHaveBeenCalledWith(expect.stringContaining(NAME));
    });

    it('is complained of where it cannot be turned off', async () => {
      const operator = connect(server.url);
      await operator.run((client) =>
        client.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-config|set'),
      );
      await operator.run((client) => client.config('SET', NAME, '10000'));
      const complain = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const redis = connect(server.url.replace('redis://', 'redis://app:secret@'), {
        NODE_ENV: 'production',
        JWT_SECRET: 'kD8s0aLq2mZx7vBn4cTy6uWe1rHj3gFp',
      });
      expect(await configured(redis)).toBe('10000');
      expect(complain).toHaveBeenCalledWith(expect.stringContaining(NAME));
    });
  },
  ['--slowlog-log-slower-than', '10000'],
);

describeRedis(
  'Redis that throws data away',
  (server) => {
    it.each([
      ['production', 'error'],
      ['test', 'warn'],
    ] as const)('is complained of in %s as %s', async (environment, level) => {
      const complain = jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
      const redis = connect(server.url, { NODE_ENV: environment, JWT_SECRET: 'kD8s0aLq2mZx7vBn4cTy6uWe1rHj3gFp' });
      await untilReady(redis);
      expect(complain).toHaveBeenCalledWith(expect.stringContaining('noeviction'));
    });
  },
  ['--maxmemory-policy', 'allkeys-lru'],
);
