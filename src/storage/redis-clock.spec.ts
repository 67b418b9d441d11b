import { Logger } from '@nestjs/common';
import { describeRedis } from '../../test/support/redis-server';
import { redisKit } from '../../test/support/redis-kit';
import { AppConfig } from '../config/app-config';
import { Redis } from './redis';
import { RedisClock } from './redis-clock';

const DAY_MS = 86_400_000;

Logger.overrideLogger(false);

/** This machine, whose monotonic clock the test moves, and a Redis that tells the time so many ms from there. */
class Machine {
  monotonic = 1000.25;
  /** How far Redis' clock is from ours. */
  offset = Date.UTC(2030, 0, 1);
  /** What a question and its answer take, ms. */
  wayThere = 0;
  wayBack = 0;

  get redisTime(): number {
    return this.monotonic + this.offset;
  }

  async time(): Promise<[seconds: string, microseconds: string]> {
    this.monotonic += this.wayThere;
    const now = this.redisTime;
    this.monotonic += this.wayBack;
    return [String(Math.floor(now / 1000)), String(Math.round((now % 1000) * 1000))];
  }

  async clock(): Promise<RedisClock> {
    jest.spyOn(performance, 'now').mockImplementation(() => this.monotonic);
    const redis = { onReady: () => undefined, run: (commands: (client: Machine) => unknown) => commands(this) };
    const clock = new RedisClock(redis as unknown as Redis);
    await clock.onModuleInit();
    return clock;
  }
}

describe('RedisClock', () => {
  let machine: Machine;

  beforeEach(() => {
    machine = new Machine();
  });

  afterEach(() => jest.restoreAllMocks());

  const behind = (clock: RedisClock): number => machine.redisTime - clock.now();

  it('goes by the time of Redis, not by this machine’s, in whole milliseconds', async () => {
    const clock = await machine.clock();
    expect(clock.now()).toBe(Math.floor(machine.redisTime));
    machine.monotonic += DAY_MS;
    expect(clock.now()).toBe(Math.floor(machine.redisTime));
  });

  it('takes half of the way into account, and keeps the sample with the shortest one', async () => {
    [machine.wayThere, machine.wayBack] = [10, 30];
    const clock = await machine.clock();
    expect(Math.abs(behind(clock))).toBeLessThanOrEqual(11);
    [machine.wayThere, machine.wayBack] = [1, 1];
    await clock.tick();
    expect(behind(clock)).toBeLessThan(1);
    [machine.wayThere, machine.wayBack] = [0, 200];
    await clock.tick();
    expect(behind(clock)).toBeLessThan(1);
  });

  it('takes a worse sample when the better one is so old that it may be off by more', async () => {
    const clock = await machine.clock();
    // A drift of a second in a day is within what crystals do.
    machine.monotonic += DAY_MS;
    machine.offset += 1000;
    [machine.wayThere, machine.wayBack] = [5, 5];
    await clock.tick();
    expect(behind(clock)).toBeLessThan(1);
  });

  it('follows a step forward at once', async () => {
    const clock = await machine.clock();
    machine.offset += 5000;
    await clock.tick();
    expect(behind(clock)).toBeLessThan(1);
  });

  it('waits out a small step back, standing still', async () => {
    const clock = await machine.clock();
    const before = clock.now();
    machine.offset -= 300;
    await clock.tick();
    expect(clock.now()).toBe(before);
    machine.monotonic += 299;
    expect(clock.now()).toBe(before);
    machine.monotonic += 11;
    expect(clock.now()).toBe(before + 10);
  });

  it('follows a large step back, which else would take everything new for expired', async () => {
    const clock = await machine.clock();
    clock.now();
    machine.offset -= DAY_MS;
    await clock.tick();
    expect(behind(clock)).toBeLessThan(1);
  });

  it('carries on with what it has when Redis does not answer', async () => {
    const redis = new Redis(AppConfig.from({ REDIS_URL: 'redis://127.0.0.1:1' }));
    const clock = new RedisClock(redis);
    await clock.onModuleInit();
    expect(Math.abs(clock.now() - Date.now())).toBeLessThanOrEqual(2);
    redis.onApplicationShutdown();
  });
});

describeRedis('RedisClock on Redis', (server) => {
  it('is within milliseconds of what scripts see', async () => {
    const { redis, clock, close } = await redisKit(server);
    const time = redis.script("local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)");
    for (let i = 0; i < 20; i++) {
      const before = clock.now();
      const there = (await time([], [])) as number;
      expect(there).toBeGreaterThanOrEqual(before - 2);
      expect(there).toBeLessThanOrEqual(clock.now() + 2);
    }
    close();
  });
});
