import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock';
import type { DueItem } from './expiry-queue';
import { ExpiryService } from './expiry.service';
import { LocalExpiryQueue, MemoryExpiryQueue } from './memory-expiry-queue';

const BATCH = 256;

describe('the expiry clock', () => {
  let clock: FakeClock;
  let queue: MemoryExpiryQueue;
  let local: LocalExpiryQueue;
  let expiry: ExpiryService;
  let logged: jest.SpyInstance;

  beforeEach(() => {
    clock = new FakeClock();
    queue = new MemoryExpiryQueue(clock);
    local = new LocalExpiryQueue(clock);
    expiry = new ExpiryService(queue, local, clock);
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
  });

  afterEach(() => logged.mockRestore());

  /** Owns a kind and keeps what it was handed. */
  const own = (kind: string): string[][] => {
    const handed: string[][] = [];
    expiry.own(kind, (items) => {
      handed.push(items.map(({ key }) => key));
    });
    return handed;
  };

  const schedule = (count: number, kind = 'kind', to: MemoryExpiryQueue = queue): string[] => {
    const keys = Array.from({ length: count }, (_, i) => `${kind} ${i}`);
    keys.forEach((key, i) => to.schedule(kind, key, clock.now() - count + i));
    return keys;
  };

  it('hands each kind to its owner, from both queues, when it is due', async () => {
    const [one, two] = [own('one'), own('two')];
    queue.schedule('one', 'a', clock.now() + 10);
    local.schedule('one', 'b', clock.now() + 10);
    queue.schedule('two', 'c', clock.now() + 11);
    await expiry.tick();
    expect([one, two]).toEqual([[], []]);
    clock.advance(10);
    await expiry.tick();
    expect([one.flat().sort(), two]).toEqual([['a', 'b'], []]);
    clock.advance(1);
    await expiry.tick();
    expect(two).toEqual([['c']]);
    expect([queue.size, local.size]).toEqual([0, 0]);
  });

  it('hands out everything that is due in one tick, in batches, earliest first', async () => {
    const handed = own('kind');
    const keys = schedule(2 * BATCH + 5);
    await expiry.tick();
    expect(handed.map((batch) => batch.length)).toEqual([BATCH, BATCH, 5]);
    expect(handed.flat()).toEqual(keys);
  });

  it('lets others run between two batches', async () => {
    schedule(BATCH + 1);
    const order: string[] = [];
    expiry.own('kind', () => {
      order.push('batch');
    });
    setImmediate(() => order.push('others'));
    await expiry.tick();
    expect(order).toEqual(['batch', 'others', 'batch']);
  });

  it('never calls an owner while it is at work, and takes up what came meanwhile', async () => {
    let finish = (): void => undefined;
    let running = 0;
    let most = 0;
    const handed: string[] = [];
    expiry.own('kind', async (items) => {
      most = Math.max(most, ++running);
      handed.push(...items.map(({ key }) => key));
      await new Promise<void>((resolve) => (finish = resolve));
      running--;
    });
    queue.schedule('kind', 'a', clock.now());
    const first = expiry.tick();
    await new Promise(setImmediate);
    queue.schedule('kind', 'b', clock.now());
    await expiry.tick();
    expect(handed).toEqual(['a']);
    finish();
    await first;
    const second = expiry.tick();
    await new Promise(setImmediate);
    finish();
    await second;
    expect([handed, most]).toEqual([['a', 'b'], 1]);
  });

  it('asks an owner that failed again a second later, and loses nothing', async () => {
    const handed: string[] = [];
    let broken = true;
    expiry.own('kind', (items) => {
      if (broken) {
        throw new Error('not now');
      }
      handed.push(...items.map(({ key }) => key));
    });
    const others = own('other');
    const keys = schedule(3);
    queue.schedule('other', 'o', clock.now());
    await expiry.tick();
    expect(others).toEqual([['o']]);
    expect(logged).toHaveBeenCalledWith(
      expect.objectContaining({ kind: 'kind', count: 3 }),
      expect.stringContaining('tried again'),
    );
    broken = false;
    clock.advance(999);
    await expiry.tick();
    expect(handed).toEqual([]);
    clock.advance(1);
    await expiry.tick();
    expect(handed.sort()).toEqual(keys);
    expect(queue.size).toBe(0);
  });

  it('keeps the sooner deadline where a failed item was scheduled anew', async () => {
    const at: number[] = [];
    expiry.own('kind', (items: DueItem[]) => {
      at.push(clock.now());
      if (at.length === 1) {
        items.forEach(({ key }) => queue.schedule('kind', key, clock.now() + 10));
        throw new Error('half done');
      }
    });
    const start = clock.now();
    queue.schedule('kind', 'a', start);
    await expiry.tick();
    clock.advance(10);
    await expiry.tick();
    clock.advance(10_000);
    await expiry.tick();
    expect(at).toEqual([start, start + 10]);
  });

  it('keeps a deadline whose kind nobody owns until somebody does', async () => {
    queue.schedule('orphan', 'a', clock.now());
    await expiry.tick();
    expect(logged).toHaveBeenCalled();
    const handed = own('orphan');
    clock.advance(1000);
    await expiry.tick();
    expect(handed).toEqual([['a']]);
  });

  it('has one owner a kind', () => {
    own('kind');
    expect(() => own('kind')).toThrow('kind');
  });

  it('serves the deadlines of this node though the shared queue fails or does not answer', async () => {
    const handed = own('kind');
    jest.spyOn(queue, 'claim').mockImplementationOnce(() => {
      throw new Error('Redis is gone');
    });
    local.schedule('kind', 'a', clock.now());
    await expect(expiry.tick()).rejects.toThrow('Redis is gone');
    expect(handed).toEqual([['a']]);
    jest.spyOn(queue, 'claim').mockImplementationOnce(() => new Promise(() => undefined) as never);
    void expiry.tick();
    await new Promise(setImmediate);
    local.schedule('kind', 'b', clock.now());
    await expiry.tick();
    expect(handed).toEqual([['a'], ['b']]);
  });

  it('keeps an item on this node that can neither be freed nor scheduled again', async () => {
    let broken = true;
    const handed: string[] = [];
    expiry.own('kind', (items) => {
      if (broken) {
        throw new Error('Redis is gone');
      }
      handed.push(...items.map(({ key }) => key));
    });
    queue.schedule('kind', 'a', clock.now());
    jest.spyOn(queue, 'scheduleSooner').mockImplementationOnce(() => {
      throw new Error('Redis is gone');
    });
    await expiry.tick();
    broken = false;
    clock.advance(1000);
    await expiry.tick();
    expect(handed).toEqual(['a']);
  });

  it('tells by how much the most overdue deadline is late', async () => {
    expect(await expiry.overdueMs()).toBe(0);
    queue.schedule('kind', 'a', clock.now() + 100);
    expect(await expiry.overdueMs()).toBe(0);
    local.schedule('kind', 'b', clock.now() + 50);
    clock.advance(120);
    expect(await expiry.overdueMs()).toBe(70);
  });

  it('sets no timer of its own, so that none can overflow', async () => {
    const timers = [jest.spyOn(global, 'setTimeout'), jest.spyOn(global, 'setInterval')];
    const handed = own('kind');
    const month = 30 * 86_400_000;
    queue.schedule('kind', 'a', clock.now() + month);
    clock.advance(month - 1);
    await expiry.tick();
    expect(handed).toEqual([]);
    clock.advance(1);
    await expiry.tick();
    expect(handed).toEqual([['a']]);
    timers.forEach((timer) => {
      expect(timer).not.toHaveBeenCalled();
      timer.mockRestore();
    });
  });
});
