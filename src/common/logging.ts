import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoggerService } from '@nestjs/common';
import { type Logger as Pino, pino } from 'pino';
import { type HttpLogger, pinoHttp } from 'pino-http';
import { REQUEST_ID_HEADER } from './http/request-id';

/** Requests that orchestrators make all the time. */
const QUIET = /^\/(health|metrics|api\/health|socket\.io)/;
/** What Nest tells of every module and route at every start. */
const CHATTER = new Set(['InstanceLoader', 'NestFactory', 'RouterExplorer', 'RoutesResolver', 'WebSocketsController']);

type Level = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

/** Errors as type, message and stack: never the fields that libraries hang on them, such as a request's body. */
const serializers = {
  err: ({ name, message, stack }: Error) => ({ type: name, message, stack }),
};

/** One JSON line an entry on standard output. */
export function createLog(level: string): Pino {
  return pino({ level, base: { pid: process.pid }, serializers });
}

/** Express puts the route here that took the request; a list where it has several paths. */
interface Routed {
  readonly route?: { readonly path?: unknown };
}

/**
 * Requests: id, method, route (`/api/users/:id`), status, duration. Never a body, a header, a query or an address, which
 * carry texts, tokens and whatever else a client puts there.
 */
export function requestLog(log: Pino): HttpLogger {
  return pinoHttp({
    logger: log,
    genReqId: (_request, response) => String(response.getHeader(REQUEST_ID_HEADER)),
    autoLogging: { ignore: (request) => QUIET.test(request.url ?? '') },
    serializers: {
      req: ({ id, method }: { id: string; method: string }) => ({ id, method }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      ...serializers,
    },
    customSuccessObject: (request, _response, entry: object) => ({ ...entry, route: routeOf(request as Routed) }),
    customErrorObject: (request, _response, _error, entry: object) => ({ ...entry, route: routeOf(request as Routed) }),
    customLogLevel: (_request: IncomingMessage, response: ServerResponse, error?: Error) =>
      error || response.statusCode >= 500 ? 'error' : 'debug',
  });
}

function routeOf({ route }: Routed): string | undefined {
  return typeof route?.path === 'string' ? route.path : undefined;
}

/**
 * Nest's loggers over pino, without Nest's inventory at the start. A logger that follows each request through
 * AsyncLocalStorage was measured at two per cent of a message's CPU, so entries name their request themselves.
 */
export class PinoLogger implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    if (!CHATTER.has(String(rest.at(-1)))) {
      this.write('info', message, rest);
    }
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** Nest gives the context last; ours is `logger.warn({ fields }, 'sentence')`, its own a message and perhaps a stack. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const [text] = rest.slice(0, -1);
    if (message instanceof Error) {
      this.pino[level]({ context, err: message }, message.message);
    } else if (typeof message === 'object' && message !== null) {
      this.pino[level]({ context, ...message }, typeof text === 'string' ? text : '');
    } else if (typeof text === 'string') {
      this.pino[level]({ context, stack: text }, String(message));
    } else {
      this.pino[level]({ context }, String(message));
    }
  }
}
