import type { Awaitable } from '../../src/common/awaitable';
import { ExpiryService } from '../../src/expiry/expiry.service';
import { LocalExpiryQueue, MemoryExpiryQueue } from '../../src/expiry/memory-expiry-queue';
import { FakeClock } from '../support/fake-clock';

/** The clock of a store under test: a fake one is moved, a real one waited for. */
export interface StoreClock {
  now(): number;
  advance(ms: number): Awaitable<void>;
}

/** A clock that is moved by hand, and the expiry clock that runs by it. */
export interface StoreKit {
  readonly clock: FakeClock;
  readonly queue: MemoryExpiryQueue;
  readonly local: LocalExpiryQueue;
  readonly expiry: ExpiryService;
}

export function storeKit(): StoreKit {
  const clock = new FakeClock();
  const queue = new MemoryExpiryQueue(clock);
  const local = new LocalExpiryQueue(clock);
  return { clock, queue, local, expiry: new ExpiryService(queue, local, clock) };
}
