import fc from 'fast-check';
import { FakeSocket } from '../../test/support/fake-socket';
import { SocketSession } from './socket-session';

const SEED = 20260101;
const WINDOW_MS = 10_000;
const MOST = 40;

describe('the session of a socket without a token', () => {
  it('has an id to be counted by, and no identity that anybody could go by', () => {
    const session = new SocketSession('socket-1', '127.0.0.1', 0);
    expect(session.anonymousId).toBe('socket-1');
    expect(() => session.identity).toThrow('has no identity');
    expect(new FakeSocket().data.anonymousId).toBeUndefined();
  });
});

describe('bad packets of a session', () => {
  it('are too many from the fortieth in any ten seconds on, wherever those begin', () => {
    // Bursts and pauses, so that some windows are full and others are not.
    const pause = fc.oneof(fc.nat(20), fc.nat(300), fc.nat(600), fc.constantFrom(250, 256, 257, 5000, 10_001));
    fc.assert(
      fc.property(fc.array(pause, { maxLength: 200, size: 'max' }), (pauses) => {
        const { data: session } = new FakeSocket();
        const times: number[] = [];
        let now = 1_893_456_000_000;
        for (const ms of pauses) {
          now += ms;
          times.push(now);
          const inWindow = times.filter((at) => at >= now - WINDOW_MS).length;
          if (session.countBadPacket(now) !== inWindow >= MOST) {
            throw new Error(`${inWindow} in the window`);
          }
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('are counted to the end of the window, and not beyond', () => {
    for (const [last, tooMany] of [
      [WINDOW_MS, true],
      [WINDOW_MS + 1, false],
    ] as const) {
      const { data: session } = new FakeSocket();
      const times = [0, ...Array.from({ length: MOST - 2 }, () => 5000), last];
      expect(times.map((at) => session.countBadPacket(at)).at(-1)).toBe(tooMany);
    }
  });

  it.each([
    [MOST, 0, true],
    [MOST - 1, 0, false],
    [MOST, 256, true],
    [MOST, 257, false],
    [1000, 257, false],
  ])('%i of them, one every %i ms: %p', (count, every, tooMany) => {
    const { data: session } = new FakeSocket();
    const told = Array.from({ length: count }, (_, i) => session.countBadPacket(i * every));
    expect(told.includes(true)).toBe(tooMany);
  });
});
