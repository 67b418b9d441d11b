import { Logger } from '@nestjs/common';
import { AppError } from '../common/app-error';
import { type Awaitable, isPromise } from '../common/awaitable';
import type { Clock } from '../common/clock';
import type { Handler, NamespaceHandlers } from './handler-map';
import { type Refusal, refusal } from './ack';
import { errorEvent, type ErrorEventDto } from './error-event';
import type { EventLimits } from './event-limits';
import type { SocketCloser } from './socket-closer';
import type { EventStatistics } from './event-statistics';
import type { MayflySocket, Reply, SocketSession } from './socket-session';

/** Events of one socket that may wait for an earlier one. */
const MAX_WAITING = 256;

const UNKNOWN = 'unknown';

export interface DispatcherTools {
  readonly clock: Clock;
  readonly limits: EventLimits;
  readonly closer: SocketCloser;
  readonly statistics: EventStatistics;
}

/**
 * From packet to ack for every event of a namespace: one listener a socket, one map of handlers. A handler that answers
 * at once is acked within the same call.
 */
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly handlers: ReadonlyMap<string, Handler>;
  private inFlightCount = 0;

  constructor(
    namespace: NamespaceHandlers,
    private readonly tools: DispatcherTools,
  ) {
    this.handlers = namespace.handlers;
  }

  /** Events whose handler has not answered yet. */
  get inFlight(): number {
    return this.inFlightCount;
  }

  /** Makes the socket's events run through here. */
  attach(socket: MayflySocket): void {
    // A middleware that lets nothing through: nobody else listens, so the rest of Socket.IO's way is saved.
    socket.use((packet) => this.receive(socket, packet));
  }

  /** A packet: the name of an event, its arguments, and the ack where the client wants one. */
  private receive(socket: MayflySocket, packet: readonly unknown[]): void {
    const session = socket.data;
    if (session.ended) {
      return;
    }
    const event = packet[0] as string;
    const last = packet.at(-1);
    const reply = typeof last === 'function' ? (last as Reply) : undefined;
    const payload = reply && packet.length === 2 ? undefined : packet[1];
    if (!session.busy) {
      this.run(socket, event, payload, reply);
      return;
    }
    session.waiting ??= [];
    if (session.waiting.length >= MAX_WAITING) {
      this.refuse(socket, event, reply, new AppError('RateLimitError', 'Too many events at once, wait for their acks'));
      return;
    }
    session.waiting.push({ event, payload, reply });
  }

  private run(socket: MayflySocket, event: string, payload: unknown, reply: Reply | undefined): void {
    let answer: Awaitable<object>;
    try {
      answer = this.answer(socket, event, payload, reply);
    } catch (error) {
      this.fail(socket, event, reply, error);
      return;
    }
    if (!isPromise(answer)) {
      this.finish(socket.data, event, reply, answer);
      return;
    }
    socket.data.busy = true;
    this.inFlightCount++;
    void answer
      .then(
        (result) => this.finish(socket.data, event, reply, result),
        (error: unknown) => this.fail(socket, event, reply, error),
      )
      .finally(() => {
        this.inFlightCount--;
        socket.data.busy = false;
        this.runWaiting(socket);
      });
  }

  private runWaiting(socket: MayflySocket): void {
    const { data: session } = socket;
    while (!session.busy && !session.ended) {
      const next = session.waiting?.shift();
      if (!next) {
        return;
      }
      this.run(socket, next.event, next.payload, next.reply);
    }
  }

  private answer(socket: MayflySocket, event: string, payload: unknown, reply: Reply | undefined): Awaitable<object> {
    const handler = this.handlers.get(event);
    if (!handler) {
      return this.answerUnknown(socket, reply);
    }
    const dto = handler.bind(payload);
    const allowed = this.tools.limits.take(socket.data, handler.options.cost);
    return isPromise(allowed) ? allowed.then(() => handler.invoke(socket, dto)) : handler.invoke(socket, dto);
  }

  private answerUnknown(socket: MayflySocket, reply: Reply | undefined): Awaitable<object> {
    this.tools.statistics.count(UNKNOWN, UNKNOWN);
    if (!reply) {
      return {};
    }
    const allowed = this.tools.limits.take(socket.data, 'other');
    const fail = (): never => {
      throw new AppError('NotFoundError', 'There is no such event');
    };
    return isPromise(allowed) ? allowed.then(fail) : fail();
  }

  private finish(session: SocketSession, event: string, reply: Reply | undefined, answer: object): void {
    if (this.handlers.has(event)) {
      this.tools.statistics.count(event, 'ok');
    }
    if (!session.ended && reply) {
      this.reply(reply, answer);
    }
    this.afterReply(session);
  }

  /** The end of the event that is at work; `refuse` alone is for one that never was. */
  private fail(socket: MayflySocket, event: string, reply: Reply | undefined, cause: unknown): void {
    this.refuse(socket, event, reply, cause);
    this.afterReply(socket.data);
  }

  private refuse(socket: MayflySocket, event: string, reply: Reply | undefined, cause: unknown): void {
    const { data: session } = socket;
    const handler = this.handlers.get(event);
    const error = this.appError(cause, handler ? event : UNKNOWN);
    if (handler) {
      this.tools.statistics.count(event, error.code);
    }
    const silent = handler?.options.cost === 'signal' && error.code === 'RateLimitError';
    if (!session.ended) {
      this.tell(socket, event, reply, refusal(error), silent);
    }
    if (error.code === 'ValidationError' && session.countBadPacket(this.tools.clock.now())) {
      this.emitError(socket, handler, { message: 'Too many malformed events', code: 'RateLimitError', event });
      this.tools.closer.disconnect(socket);
    }
  }

  private tell(socket: MayflySocket, event: string, reply: Reply | undefined, answer: Refusal, silent: boolean): void {
    if (reply) {
      this.reply(reply, answer);
    } else if (!silent && this.handlers.has(event)) {
      this.emitError(socket, this.handlers.get(event), { message: answer.error, code: answer.code, event });
    }
  }

  private emitError(socket: MayflySocket, handler: Handler | undefined, error: ErrorEventDto): void {
    const told = handler?.gatewayOptions.tellFailure?.(error);
    socket.emit(told?.event.name ?? errorEvent.name, told?.payload ?? error);
  }

  private afterReply(session: SocketSession): void {
    const run = session.afterReply;
    if (run) {
      session.afterReply = undefined;
      this.safely(run);
    }
  }

  private reply(reply: Reply, answer: object): void {
    this.safely(() => reply(answer));
  }

  /** What throws here would end the process: nobody is left to be told. */
  private safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.logger.error({ err: error }, 'The end of an event failed');
    }
  }

  private appError(cause: unknown, event: string): AppError {
    if (cause instanceof AppError) {
      return cause;
    }
    this.logger.error({ err: cause, event }, 'An event failed');
    return new AppError('InternalServerError', 'Something went wrong on our side');
  }
}
