import { MemoryRateLimiter } from '../../src/limits/memory-rate-limiter';
import { FakeClock } from '../support/fake-clock';
import { rateLimiterContract } from './rate-limiter.suite';

describe('RateLimiter in memory', () => {
  rateLimiterContract(() => {
    const clock = new FakeClock();
    return {
      limiter: new MemoryRateLimiter(clock),
      advance: async (ms) => clock.advance(ms),
      close: async () => undefined,
    };
  });
});
