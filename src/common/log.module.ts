import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoggerModule } from 'nestjs-pino';
import { AppConfig } from '../config/app-config';
import { REQUEST_ID_HEADER } from './http/request-id';

/** Requests that orchestrators make all the time. */
const QUIET = /^\/(health|metrics|api\/health|socket\.io)/;

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
}

/**
 * Structured logs: ids, counts, method, path, status, duration. Never a body, a header or a query, which carry texts,
 * tokens and addresses.
 */
export const LogModule = LoggerModule.forRootAsync({
  inject: [AppConfig],
  useFactory: ({ env }: AppConfig) => ({
    pinoHttp: {
      level: env.LOG_LEVEL,
      quietReqLogger: true,
      genReqId: (_request: IncomingMessage, response: ServerResponse) => String(response.getHeader(REQUEST_ID_HEADER)),
      autoLogging: { ignore: (request: IncomingMessage) => QUIET.test(request.url ?? '') },
      customAttributeKeys: { reqId: 'requestId' },
      serializers: {
        req: ({ id, method, url }: { id: string; method: string; url: string }) => ({
          id,
          method,
          path: url.split('?', 1)[0],
        }),
        res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
        err: ({ name, message, stack }: Error): LoggedError => ({ type: name, message, stack }),
      },
      customLogLevel: (_request: IncomingMessage, response: ServerResponse, error?: Error) =>
        error || response.statusCode >= 500 ? 'error' : 'debug',
    },
  }),
});
