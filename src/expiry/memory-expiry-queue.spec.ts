import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock';
import { same } from '../../test/support/same';
import type { DueItem } from './expiry-queue';
import { MemoryExpiryQueue } from './memory-expiry-queue';

const SEED = 20260101;

/** The queue as a list that is sorted anew each time. */
class SortedQueue {
  items: DueItem[] = [];

  schedule(kind: string, key: string, at: number): void {
    this.cancel(kind, key);
    this.items.push({ kind, key, at });
  }

  scheduleSooner(kind: string, key: string, at: number): void {
    const standing = this.items.find((item) => item.kind === kind && item.key === key);
    if (!standing || at < standing.at) {
      this.schedule(kind, key, at);
    }
  }

  cancel(kind: string, key: string): void {
    this.items = this.items.filter((item) => item.kind !== kind || item.key !== key);
  }

  claim(limit: number, now: number): DueItem[] {
    const due = this.items.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    const claimed = due.slice(0, limit);
    claimed.forEach(({ kind, key }) => this.cancel(kind, key));
    return claimed;
  }
}

type Step =
  | { do: 'schedule' | 'scheduleSooner'; kind: string; key: string; after: number }
  | { do: 'cancel'; kind: string; key: string }
  | { do: 'claim'; limit: number; after: number };

const kind = fc.constantFrom('one', 'two');
const key = fc.constantFrom(...'abcdefgh');
const after = fc.integer({ min: -20, max: 200 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('schedule' as const, 'scheduleSooner' as const), kind, key, after }),
  fc.record({ do: fc.constantFrom('schedule' as const, 'scheduleSooner' as const), kind, key, after }),
  fc.record({ do: fc.constant('cancel' as const), kind, key }),
  fc.record({ do: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 5 }), after: fc.nat(60) }),
);

describe('the memory expiry queue', () => {
  it('does as a sorted list does, in any order of operations', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const clock = new FakeClock();
        const [queue, model] = [new MemoryExpiryQueue(clock), new SortedQueue()];
        let unique = 0;
        for (const one of steps) {
          if (one.do === 'claim') {
            clock.advance(one.after);
            const claimed = queue.claim(one.limit);
            same(claimed, model.claim(one.limit, clock.now()));
          } else if (one.do === 'cancel') {
            queue.cancel(one.kind, one.key);
            model.cancel(one.kind, one.key);
          } else {
            // A different fraction each: which of two that are due at once comes first is not promised.
            const at = clock.now() + one.after + ++unique / 1024;
            queue[one.do](one.kind, one.key, at);
            model[one.do](one.kind, one.key, at);
          }
          const earliest = Math.min(...model.items.map(({ at }) => at));
          same([queue.size, (queue.nextDeadline() ?? Infinity) <= earliest], [model.items.length, true]);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('forgets entries that died, however often a deadline is brought forward or cancelled', () => {
    const clock = new FakeClock();
    const queue = new MemoryExpiryQueue(clock);
    const month = 30 * 86_400_000;
    for (let i = 0; i < 20_000; i++) {
      queue.schedule('brought forward', 'key', clock.now() + month);
      queue.schedule('brought forward', 'key', clock.now() + 1);
      clock.advance(1);
      same(queue.claim(10).length, 1);
      queue.schedule('cancelled', 'key', clock.now() + month);
      queue.cancel('cancelled', 'key');
    }
    expect(queue.size).toBe(0);
    expect(queue['heap'].length).toBeLessThan(2000);
  });

  it('makes nothing of putting a deadline off again and again', () => {
    const clock = new FakeClock();
    const queue = new MemoryExpiryQueue(clock);
    for (let i = 0; i < 20_000; i++) {
      queue.schedule('kind', 'key', clock.now() + 1000);
      clock.advance(1);
      queue.claim(10);
    }
    expect(queue['heap'].length).toBe(1);
    clock.advance(999);
    expect(queue.claim(10)).toHaveLength(1);
  });
});
