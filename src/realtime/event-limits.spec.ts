import { FakeClock } from '../../test/support/fake-clock';
import { FakeSocket } from '../../test/support/fake-socket';
import { AppConfig } from '../config/app-config';
import { MemoryRateLimiter } from '../limits/memory-rate-limiter';
import { Refusals } from '../limits/refusals';
import { EventLimits } from './event-limits';
import type { EventCost } from './gateway.decorator';
import { SocketSession } from './socket-session';

const BURST = 3;

function makeLimits(): (session: SocketSession, cost?: EventCost) => boolean {
  const config = AppConfig.from({ NODE_ENV: 'test', SOCKET_EVENTS_BURST: String(BURST) });
  const limits = new EventLimits(new MemoryRateLimiter(new FakeClock()), new Refusals(), config);
  return (session, cost = 'create') => {
    try {
      void limits.take(session, cost);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'RateLimitError' });
      return false;
    }
  };
}

const anonymous = (id: string, ip = '10.0.0.1'): SocketSession => new SocketSession(id, ip, 0);
const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('the rate of events', () => {
  it('is counted by user, over all their sockets', () => {
    const take = makeLimits();
    const [one, two] = [new FakeSocket('alice').data, new FakeSocket('alice').data];
    expect(times(BURST).map(() => take(one))).not.toContain(false);
    expect([take(two), take(one), take(two, 'other'), take(new FakeSocket('bob').data)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('is counted by socket where there are no users, and ten times that by address', () => {
    const take = makeLimits();
    for (const socket of times(10)) {
      expect(times(BURST + 1).map(() => take(anonymous(`socket-${socket}`)))).toEqual([true, true, true, false]);
    }
    expect(take(anonymous('socket-11'))).toBe(false);
    expect(take(anonymous('socket-11'), 'other')).toBe(true);
    expect(take(anonymous('socket-12', '10.0.0.2'))).toBe(true);
  });
});
