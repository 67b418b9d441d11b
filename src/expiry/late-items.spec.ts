import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock';
import { ExpiryService } from './expiry.service';
import { LocalExpiryQueue, MemoryExpiryQueue } from './memory-expiry-queue';

const KIND = 'kind';

describe('lateness', () => {
  let clock: FakeClock;
  let queue: MemoryExpiryQueue;
  let expiry: ExpiryService;
  let freed: [string, readonly number[]][];
  let broken: boolean;

  const lateness = async (): Promise<[number, number]> => [await expiry.overdueCount(), await expiry.overdueMs()];

  beforeEach(() => {
    jest.spyOn(Logger.prototype, 'error').mockImplementation();
    clock = new FakeClock();
    queue = new MemoryExpiryQueue(clock);
    expiry = new ExpiryService(queue, new LocalExpiryQueue(clock), clock);
    freed = [];
    broken = false;
    expiry.onFreed((kind, latenessMs) => freed.push([kind, latenessMs]));
    expiry.own(KIND, () => {
      if (broken) {
        throw new Error('broken');
      }
    });
  });

  afterEach(() => jest.restoreAllMocks());

  it('is told of each freed item, from its deadline until its owner was done', async () => {
    queue.schedule(KIND, 'a', clock.now());
    queue.schedule(KIND, 'b', clock.now() + 30);
    clock.advance(50);
    expiry.own('slow', async () => clock.advance(25));
    queue.schedule('slow', 'c', clock.now());
    await expiry.tick();
    expect(freed).toEqual([
      [KIND, [50, 20]],
      ['slow', [25]],
    ]);
  });

  it('counts what is due in a queue, and neither what was cancelled nor what was put off', async () => {
    for (let i = 0; i < 100; i++) {
      queue.schedule(KIND, `due ${i}`, clock.now() + (i % 7));
      queue.schedule(KIND, `later ${i}`, clock.now() + 10_000 + (i % 7));
      queue.schedule(KIND, `cancelled ${i}`, clock.now() + (i % 5));
      queue.schedule(KIND, `put off ${i}`, clock.now() + (i % 5));
    }
    for (let i = 0; i < 100; i++) {
      queue.cancel(KIND, `cancelled ${i}`);
      queue.schedule(KIND, `put off ${i}`, clock.now() + 10_000);
    }
    clock.advance(6);
    expect(await lateness()).toEqual([100, 6]);
    await expiry.tick();
    expect(await lateness()).toEqual([0, 0]);
  });

  it('of items whose owner fails counts from the first deadline, in a retry as between two', async () => {
    broken = true;
    queue.schedule(KIND, 'a', clock.now());
    for (let second = 0; second < 7; second++) {
      await expiry.tick();
      expect(await lateness()).toEqual([1, second * 1000]);
      clock.advance(1000);
      expect(await lateness()).toEqual([1, (second + 1) * 1000]);
    }
    broken = false;
    await expiry.tick();
    expect(freed).toEqual([[KIND, [7000]]]);
    expect(await lateness()).toEqual([0, 0]);
  });

  it('of a failed item that was cancelled ends with the retry', async () => {
    broken = true;
    queue.schedule(KIND, 'a', clock.now());
    await expiry.tick();
    queue.cancel(KIND, 'a');
    clock.advance(2001);
    await expiry.tick();
    expect(await lateness()).toEqual([0, 0]);
  });

  it('counts what an owner does not come to an end with, and what waits behind it', async () => {
    let finish = (): void => undefined;
    expiry.own('slow', () => new Promise<void>((resolve) => (finish = resolve)));
    queue.schedule('slow', 'a', clock.now());
    queue.schedule(KIND, 'b', clock.now());
    const tick = expiry.tick();
    await new Promise(setImmediate);
    clock.advance(6000);
    expect(await lateness()).toEqual([2, 6000]);
    finish();
    await tick;
    expect(await lateness()).toEqual([0, 0]);
  });

  it('is counted by a queue that cannot as one item for any number', async () => {
    const simple = Object.assign(Object.create(queue) as MemoryExpiryQueue, {
      overdueCount: Object.getPrototypeOf(MemoryExpiryQueue.prototype).overdueCount,
    });
    queue.schedule(KIND, 'a', clock.now() + 1);
    queue.schedule(KIND, 'b', clock.now() + 1);
    expect(await simple.overdueCount(clock.now())).toBe(0);
    clock.advance(1);
    expect(await simple.overdueCount(clock.now())).toBe(1);
  });
});
