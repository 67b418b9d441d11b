import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock';
import { FakeSocket } from '../../test/support/fake-socket';
import { AppError } from '../common/app-error';
import type { Awaitable } from '../common/awaitable';
import { Dispatcher } from './dispatcher';
import { EventLimits } from './event-limits';
import { EventStatistics } from './event-statistics';
import type { EventCost } from './gateway.decorator';
import type { Handler } from './handler-map';
import { SocketCloser } from './socket-closer';
import type { MayflySocket, SocketSession } from './socket-session';

type Call = (socket: MayflySocket, payload: unknown) => Awaitable<object>;

const MAX_WAITING = 256;
const settled = (): Promise<void> => new Promise(setImmediate);

/** A promise that a test settles. */
function deferred(): { promise: Promise<object>; resolve: (answer: object) => void; reject: (error: Error) => void } {
  let [resolve, reject] = [(_: object): void => undefined, (_: Error): void => undefined];
  const promise = new Promise<object>((good, bad) => ([resolve, reject] = [good, bad]));
  return { promise, resolve, reject };
}

function handler(event: string, invoke: Call, cost: EventCost = 'other'): [string, Handler] {
  const bind = (payload: unknown): object | undefined => {
    if (payload === 'bad') {
      throw AppError.field('field', 'field is bad');
    }
    return payload as object | undefined;
  };
  const gatewayOptions = { namespace: '/' };
  const handler = { event, options: { cost, summary: '' }, gateway: Object, gatewayOptions, dto: undefined };
  return [event, { ...handler, bind, invoke } as Handler];
}

describe('the dispatcher', () => {
  let clock: FakeClock;
  let statistics: EventStatistics;
  let dispatcher: Dispatcher;
  let alice: FakeSocket;
  let disconnected: MayflySocket[];
  let take: (session: SocketSession, cost: EventCost) => Awaitable<void>;
  let log: string[];
  let logged: jest.SpyInstance;

  const serve = (...handlers: [string, Handler][]): void => {
    const limits = { take: (session: SocketSession, cost: EventCost) => take(session, cost) } as EventLimits;
    const closer = {
      disconnect: (socket: MayflySocket) => {
        socket.data.ended = true;
        disconnected.push(socket);
      },
    } as SocketCloser;
    const namespace = { namespace: '/', anonymous: false, handlers: new Map(handlers), hooks: [] };
    dispatcher = new Dispatcher(namespace, { clock, limits, closer, statistics });
    alice = new FakeSocket();
    dispatcher.attach(alice.socket);
  };

  /** An event with an ack that is noted in the log. */
  const send = (event: string, payload: unknown, label = String(payload)): void =>
    alice.receive(event, payload, (answer: { code?: string }) => log.push(`${label}: ${answer.code ?? 'ok'}`));

  beforeEach(() => {
    clock = new FakeClock();
    statistics = new EventStatistics();
    disconnected = [];
    log = [];
    take = () => undefined;
    logged = jest.spyOn(Logger.prototype, 'error').mockImplementation();
  });

  afterEach(() => logged.mockRestore());

  describe('answers', () => {
    it('within the same call where the handler does', () => {
      serve(handler('now', (_socket, payload) => ({ success: true, payload })));
      const answers: object[] = [];
      alice.receive('now', { a: 1 }, (answer: object) => answers.push(answer));
      expect(answers).toEqual([{ success: true, payload: { a: 1 } }]);
      expect(dispatcher.inFlight).toBe(0);
    });

    it('later where the handler does, and counts what is in flight until then', async () => {
      const { promise, resolve } = deferred();
      serve(handler('later', () => promise));
      send('later', 'a');
      await settled();
      expect([log, dispatcher.inFlight]).toEqual([[], 1]);
      resolve({ success: true });
      await settled();
      expect([log, dispatcher.inFlight]).toEqual([['a: ok'], 0]);
    });

    it('an event without a payload, without an ack, and with neither', () => {
      const payloads: unknown[] = [];
      serve(
        handler('event', (_socket, payload) => {
          payloads.push(payload);
          return { success: true };
        }),
      );
      alice.receive('event', () => log.push('ack'));
      alice.receive('event', 'a');
      alice.receive('event');
      alice.receive('event', 'b', 'c', () => log.push('ack'));
      expect(payloads).toEqual([undefined, 'a', undefined, 'b']);
      expect([log, alice.sent]).toEqual([['ack', 'ack'], []]);
    });

    it('failures in the ack, or without one as the error event', async () => {
      const refuse = (): never => {
        throw new AppError('NotFoundError', 'There is no such room');
      };
      serve(
        handler('now', refuse),
        handler('later', async () => refuse()),
      );
      for (const event of ['now', 'later']) {
        const answers: object[] = [];
        alice.receive(event, 'a', (answer: object) => answers.push(answer));
        await settled();
        expect(answers).toEqual([{ success: false, error: 'There is no such room', code: 'NotFoundError' }]);
        alice.receive(event, 'a');
        await settled();
        expect(alice.sent.splice(0)).toEqual([
          ['error', { message: 'There is no such room', code: 'NotFoundError', event }],
        ]);
      }
    });

    it('failures without an ack as the event that the gateway has for them', () => {
      const [event, served] = handler('odd', () => ({}));
      const told = { name: 'odd-error', namespace: '/', payload: Object, description: '' };
      const tellFailure = ({ code }: { code: string }) => ({ event: told, payload: { oddly: code } });
      serve(
        [event, { ...served, gatewayOptions: { namespace: '/', tellFailure } }],
        handler('even', () => ({})),
      );
      alice.receive('odd', 'bad');
      alice.receive('even', 'bad');
      expect(alice.sent).toEqual([
        ['odd-error', { oddly: 'ValidationError' }],
        ['error', { message: 'field is bad', code: 'ValidationError', event: 'even' }],
      ]);
    });

    it('nothing of the cause of an unexpected failure', async () => {
      serve(
        handler('now', () => {
          throw new Error('the password of the database');
        }),
        handler('later', () => Promise.reject(new TypeError('x is not a function'))),
      );
      const answers: object[] = [];
      alice.receive('now', 'a', (answer: object) => answers.push(answer));
      alice.receive('later', 'a', (answer: object) => answers.push(answer));
      await settled();
      const general = { success: false, error: 'Something went wrong on our side', code: 'InternalServerError' };
      expect(answers).toEqual([general, general]);
      expect(logged).toHaveBeenCalledTimes(2);
    });

    it('an unknown event in its ack only, and counts it under no name of the client', () => {
      serve(handler('known', () => ({})));
      send('constructor', 'a');
      alice.receive('__proto__', 'b');
      expect([log, alice.sent]).toEqual([['a: NotFoundError'], []]);
      expect([...statistics.totals().keys()]).toEqual(['unknown']);
    });

    it('a signal over its rate limit in its ack only', () => {
      take = () => {
        throw new AppError('RateLimitError', 'Too many events, slow down');
      };
      serve(
        handler('typing', () => ({}), 'signal'),
        handler('other', () => ({})),
      );
      alice.receive('typing', 'a');
      expect(alice.sent).toEqual([]);
      send('typing', 'a');
      expect(log).toEqual(['a: RateLimitError']);
      alice.receive('other', 'a');
      expect(alice.sent).toEqual([['error', expect.objectContaining({ code: 'RateLimitError', event: 'other' })]]);
    });

    it('after the limit, whether that is known at once or later, and takes none for a bad payload', async () => {
      const costs: EventCost[] = [];
      serve(handler('create', () => ({ success: true }), 'create'));
      take = (_session, cost) => void costs.push(cost);
      send('create', 'a');
      send('create', 'bad');
      take = async (_session, cost) => void costs.push(cost);
      send('create', 'b');
      await settled();
      take = () => Promise.reject(new AppError('RateLimitError', 'Too many'));
      send('create', 'c');
      await settled();
      expect([log, costs]).toEqual([
        ['a: ok', 'bad: ValidationError', 'b: ok', 'c: RateLimitError'],
        ['create', 'create'],
      ]);
    });
  });

  describe('keeps the order of one socket', () => {
    it('while an event is at work, whatever the others would take', async () => {
      const first = deferred();
      serve(
        handler('join', () => {
          log.push('join begins');
          return first.promise;
        }),
        handler('now', (_socket, payload) => {
          log.push(`now ${String(payload)}`);
          return { success: true };
        }),
        handler('later', async (_socket, payload) => {
          log.push(`later ${String(payload)}`);
          return { success: true };
        }),
      );
      send('join', 'j');
      send('now', 1);
      send('later', 2);
      send('nowhere', 3);
      send('now', 'bad');
      send('now', 4);
      await settled();
      expect(log).toEqual(['join begins']);
      first.resolve({ success: true });
      await settled();
      expect(log).toEqual([
        ...['join begins', 'j: ok', 'now 1', '1: ok', 'later 2', '2: ok'],
        ...['3: NotFoundError', 'bad: ValidationError', 'now 4', '4: ok'],
      ]);
    });

    it('but not of two', async () => {
      const first = deferred();
      serve(handler('event', (socket) => (socket === alice.socket ? first.promise : { success: true })));
      const bob = new FakeSocket('bob');
      dispatcher.attach(bob.socket);
      send('event', 'alice');
      bob.receive('event', 'bob', () => log.push('bob: ok'));
      expect(log).toEqual(['bob: ok']);
    });

    it('goes on after a failure', async () => {
      const first = deferred();
      serve(
        handler('join', () => first.promise),
        handler('now', () => ({ success: true })),
      );
      send('join', 'j');
      send('now', 1);
      first.reject(new AppError('ConflictError', 'Try again'));
      await settled();
      expect(log).toEqual(['j: ConflictError', '1: ok']);
    });

    it(`lets ${MAX_WAITING} wait and refuses the others at once`, async () => {
      const first = deferred();
      serve(
        handler('join', () => first.promise),
        handler('now', () => ({ success: true })),
      );
      send('join', 'j');
      for (let i = 1; i <= MAX_WAITING + 2; i++) {
        send('now', i);
      }
      expect(log).toEqual([`${MAX_WAITING + 1}: RateLimitError`, `${MAX_WAITING + 2}: RateLimitError`]);
      first.resolve({ success: true });
      await settled();
      expect(log.slice(2)).toEqual(['j: ok', ...Array.from({ length: MAX_WAITING }, (_, i) => `${i + 1}: ok`)]);
    });
  });

  describe('runs what a handler wants to be done after its reply', () => {
    const joins = (answer: Awaitable<object>): [string, Handler] =>
      handler('join', (socket) => {
        socket.data.afterReply = () => log.push('after');
        return answer;
      });

    it('after its ack, once, before the next event', async () => {
      const first = deferred();
      serve(
        joins(first.promise),
        handler('now', () => ({ success: true })),
      );
      send('join', 'j');
      send('now', 1);
      first.resolve({ success: true });
      await settled();
      expect(log).toEqual(['j: ok', 'after', '1: ok']);
    });

    it('after its failure, and though nobody is there any more', async () => {
      const first = deferred();
      serve(joins(first.promise));
      send('join', 'j');
      first.reject(new AppError('NotFoundError', 'Gone'));
      await settled();
      expect(log).toEqual(['j: NotFoundError', 'after']);
      const second = deferred();
      serve(joins(second.promise));
      send('join', 'j');
      alice.data.ended = true;
      second.resolve({ success: true });
      await settled();
      expect(log).toEqual(['j: NotFoundError', 'after', 'after']);
    });

    it('and not when an event behind it is refused', async () => {
      const first = deferred();
      serve(
        joins(first.promise),
        handler('now', () => ({ success: true })),
      );
      send('join', 'j');
      for (let i = 0; i <= MAX_WAITING; i++) {
        alice.receive('now', i);
      }
      expect(alice.sent).toEqual([['error', expect.objectContaining({ code: 'RateLimitError' })]]);
      expect(log).toEqual([]);
      first.resolve({ success: true });
      await settled();
      expect(log).toEqual(['j: ok', 'after']);
    });

    it('and survives its failure, and that of an ack', async () => {
      serve(
        handler('now', (socket) => {
          socket.data.afterReply = () => {
            throw new Error('after');
          };
          return { success: true };
        }),
        handler('later', async () => ({ success: true })),
      );
      const broken = (): never => {
        throw new TypeError('Converting circular structure to JSON');
      };
      send('now', 1);
      alice.receive('now', 2, broken);
      alice.receive('later', 3, broken);
      await settled();
      send('later', 4);
      await settled();
      expect(log).toEqual(['1: ok', '4: ok']);
      expect([alice.data.busy, dispatcher.inFlight]).toEqual([false, 0]);
    });
  });

  describe('of a socket that has ended', () => {
    it('takes nothing any more, and answers nothing', async () => {
      const first = deferred();
      serve(
        handler('join', () => first.promise),
        handler('now', () => {
          log.push('now');
          return { success: true };
        }),
      );
      send('join', 'j');
      send('now', 1);
      alice.data.ended = true;
      send('now', 2);
      first.resolve({ success: true });
      await settled();
      expect([log, dispatcher.inFlight]).toEqual([[], 0]);
    });

    it('runs no handler, though none is at work', () => {
      serve(
        handler('now', () => {
          log.push('now');
          return { success: true };
        }),
      );
      alice.data.ended = true;
      send('now', 1);
      send('now', 'bad');
      expect([log, [...statistics.totals()]]).toEqual([[], []]);
    });

    it('tells no failure either', async () => {
      const first = deferred();
      serve(handler('join', () => first.promise));
      alice.receive('join', 'j');
      alice.data.ended = true;
      first.reject(new AppError('NotFoundError', 'Gone'));
      await settled();
      expect(alice.sent).toEqual([]);
    });
  });

  describe('ends a socket', () => {
    it('at the fortieth malformed event in ten seconds, after telling it', () => {
      serve(handler('event', () => ({ success: true })));
      for (let i = 1; i < 40; i++) {
        send('event', 'bad');
        clock.advance(200);
      }
      expect(disconnected).toEqual([]);
      send('event', 'bad');
      expect(disconnected).toEqual([alice.socket]);
      expect(log.filter((line) => line === 'bad: ValidationError')).toHaveLength(40);
      expect(alice.sent.at(-1)).toEqual(['error', expect.objectContaining({ code: 'RateLimitError', event: 'event' })]);
      send('event', 'good');
      expect(log).not.toContain('good: ok');
    });

    it('for malformed events only', () => {
      serve(
        handler('event', () => {
          throw new AppError('NotFoundError', 'There is none');
        }),
      );
      for (let i = 0; i < 100; i++) {
        send('event', 'good');
        send('nowhere', 'good');
      }
      expect(disconnected).toEqual([]);
    });
  });

  it('counts how each event ended', async () => {
    serve(
      handler('event', async () => ({ success: true })),
      handler('other', () => Promise.reject(new AppError('ConflictError', 'Taken'))),
    );
    send('event', 'a');
    send('event', 'bad');
    send('other', 'a');
    await settled();
    expect(
      Object.fromEntries([...statistics.totals()].map(([name, counts]) => [name, Object.fromEntries(counts)])),
    ).toEqual({ event: { ok: 1, ValidationError: 1 }, other: { ConflictError: 1 } });
  });
});
