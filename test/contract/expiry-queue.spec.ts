import { MemoryExpiryQueue } from '../../src/expiry/memory-expiry-queue';
import { FakeClock } from '../support/fake-clock';
import { expiryQueueContract } from './expiry-queue.suite';

describe('ExpiryQueue in memory', () => {
  expiryQueueContract(() => {
    const clock = new FakeClock();
    return {
      queue: new MemoryExpiryQueue(clock),
      now: () => clock.now(),
      advance: async (ms) => clock.advance(ms),
      close: async () => undefined,
    };
  });
});
