import type { Awaitable } from '../../src/common/awaitable';
import type { DueItem, ExpiryQueue } from '../../src/expiry/expiry-queue';

export interface ExpiryQueueKit {
  readonly queue: ExpiryQueue;
  /** The driver's clock, epoch ms. */
  now(): Awaitable<number>;
  /** Lets this much time pass by the driver's clock. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Waited for where a deadline has to come; a little more than the deadline is off, for clocks that go by themselves. */
const SOON_MS = 300;
/** A deadline that no test lives to see. */
const LATER_MS = 3_600_000;

/** What every driver of `ExpiryQueue` promises. The queue is empty at first. */
export function expiryQueueContract(makeKit: () => Awaitable<ExpiryQueueKit>): void {
  let kit: ExpiryQueueKit;
  let queue: ExpiryQueue;
  let now: number;

  beforeEach(async () => {
    kit = await makeKit();
    ({ queue } = kit);
    now = await kit.now();
  });

  afterEach(() => kit.close());

  const claim = async (limit = 100): Promise<DueItem[]> => queue.claim(limit);
  const keys = async (limit?: number): Promise<string[]> => (await claim(limit)).map(({ key }) => key);

  it('is empty at first', async () => {
    expect(await claim()).toEqual([]);
    expect(await queue.nextDeadline()).toBeUndefined();
    await queue.cancel('kind', 'key');
  });

  it('hands out what is due once, with its deadline, and nothing before it', async () => {
    await queue.schedule('kind', 'due', now);
    await queue.schedule('kind', 'soon', now + SOON_MS);
    await queue.schedule('kind', 'later', now + LATER_MS);
    expect(await claim()).toEqual([{ kind: 'kind', key: 'due', at: now }]);
    expect(await claim()).toEqual([]);
    await kit.advance(SOON_MS);
    expect(await claim()).toEqual([{ kind: 'kind', key: 'soon', at: now + SOON_MS }]);
    expect(await claim()).toEqual([]);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + LATER_MS);
  });

  it('hands out the earliest first, at most as many as asked for', async () => {
    for (const ago of [3, 1, 5, 2, 4]) {
      await queue.schedule('kind', `${ago}`, now - ago * 1000);
    }
    expect(await keys(2)).toEqual(['5', '4']);
    expect(await keys(2)).toEqual(['3', '2']);
    expect(await keys(2)).toEqual(['1']);
    expect(await keys(2)).toEqual([]);
  });

  it('keeps one deadline a kind and key: the last one set', async () => {
    await queue.schedule('kind', 'put off', now - 1000);
    await queue.schedule('kind', 'put off', now + LATER_MS);
    await queue.schedule('kind', 'put off, still due', now - 3000);
    await queue.schedule('kind', 'put off, still due', now - 1000);
    await queue.schedule('kind', 'brought forward', now + LATER_MS);
    await queue.schedule('kind', 'brought forward', now - 2000);
    expect(await claim()).toEqual([
      { kind: 'kind', key: 'brought forward', at: now - 2000 },
      { kind: 'kind', key: 'put off, still due', at: now - 1000 },
    ]);
    expect(await claim()).toEqual([]);
  });

  it('keeps kinds apart', async () => {
    await queue.schedule('one', 'key', now - 2);
    await queue.schedule('two', 'key', now - 1);
    await queue.schedule('three', 'key', now + LATER_MS);
    await queue.cancel('two', 'another');
    expect(await claim()).toEqual([
      { kind: 'one', key: 'key', at: now - 2 },
      { kind: 'two', key: 'key', at: now - 1 },
    ]);
  });

  it('takes keys as they are', async () => {
    const odd = ['', 'a b', 'a:b', '{a}', 'ü💬', '__proto__', 'x'.repeat(200)];
    for (const key of odd) {
      await queue.schedule('kind', key, now);
    }
    expect([...(await keys())].sort()).toEqual([...odd].sort());
  });

  it('brings a deadline forward only where that is sooner', async () => {
    await queue.scheduleSooner('kind', 'new', now - 3);
    await queue.schedule('kind', 'sooner', now + LATER_MS);
    await queue.scheduleSooner('kind', 'sooner', now - 2);
    await queue.schedule('kind', 'later', now - 1);
    await queue.scheduleSooner('kind', 'later', now + LATER_MS);
    await queue.schedule('kind', 'put off', now - 1);
    await queue.schedule('kind', 'put off', now + LATER_MS);
    await queue.scheduleSooner('kind', 'put off', now + LATER_MS / 2);
    expect(await claim()).toEqual([
      { kind: 'kind', key: 'new', at: now - 3 },
      { kind: 'kind', key: 'sooner', at: now - 2 },
      { kind: 'kind', key: 'later', at: now - 1 },
    ]);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + LATER_MS / 2);
  });

  it('forgets what is cancelled, and takes it anew', async () => {
    await queue.schedule('kind', 'gone', now - 1);
    await queue.cancel('kind', 'gone');
    expect(await claim()).toEqual([]);
    await queue.schedule('kind', 'gone', now + LATER_MS);
    await queue.scheduleSooner('kind', 'gone', now);
    expect(await keys()).toEqual(['gone']);
  });

  it('knows nothing of what it handed out: it can be scheduled again, sooner too', async () => {
    await queue.schedule('kind', 'key', now);
    await claim();
    await queue.scheduleSooner('kind', 'key', now + 1);
    await kit.advance(1);
    expect(await keys()).toEqual(['key']);
    await queue.schedule('kind', 'key', now - 5);
    expect(await keys()).toEqual(['key']);
  });

  it('never tells a next deadline that is too late', async () => {
    await queue.schedule('kind', 'a', now + LATER_MS);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + LATER_MS);
    await queue.schedule('kind', 'b', now + 5000);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + 5000);
    await queue.schedule('kind', 'b', now + LATER_MS * 2);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + LATER_MS);
  });

  it('hands each item to one of ten callers at once', async () => {
    const all = Array.from({ length: 200 }, (_, i) => `k${i}`);
    await Promise.all(all.map(async (key) => queue.schedule('kind', key, now)));
    const handed: string[] = [];
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => keys(10)));
      expect(answers.every((answer) => answer.length <= 10)).toBe(true);
      handed.push(...answers.flat());
    }
    expect(handed.sort()).toEqual([...all].sort());
  });

  it('takes a deadline thirty days off', async () => {
    await queue.schedule('kind', 'key', now + 2_592_000_000);
    await kit.advance(1);
    expect(await claim()).toEqual([]);
    expect(await queue.nextDeadline()).toBeLessThanOrEqual(now + 2_592_000_000);
  });
}
