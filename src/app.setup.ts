import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import compression from 'compression';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { createLog, PinoLogger, requestLog } from './common/logging';
import { PATH_PREFIXES, servedBelow } from './common/http/path-prefixes';
import { REQUEST_ID_HEADER, requestId } from './common/http/request-id';
import { Ids } from './common/ids';
import { AppConfig } from './config/app-config';
import { serveEvents } from './operations/asyncapi/page';
import { DOCS_PATH, docsHeaders, serveDocs } from './operations/openapi';
import { RealtimeAdapter } from './realtime/realtime.adapter';

const EXPOSED_HEADERS = [
  'Retry-After',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  REQUEST_ID_HEADER,
  'Content-Disposition',
];
const ALLOWED_HEADERS = ['Authorization', 'Content-Type', 'x-admin-token', REQUEST_ID_HEADER];
/** Seconds for which browsers need not ask again. */
const PREFLIGHT_MAX_AGE_S = 600;

/** Everything between a request and its handler; the same for the server and for tests. */
export function configureApp(app: NestExpressApplication): void {
  const config = app.get(AppConfig);
  const log = createLog(config.env.LOG_LEVEL);
  app.useLogger(new PinoLogger(log));
  app.set('trust proxy', config.env.TRUST_PROXY);
  app.set('x-powered-by', false);
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(servedBelow(PATH_PREFIXES));
  app.use(requestId(app.get(Ids)));
  app.use(requestLog(log));
  warnOfUntrustedProxy(app, config);
  app.use(
    helmet({
      crossOriginResourcePolicy: { policy: 'cross-origin' },
      // Answers are data. Pages, which need more, set a policy of their own behind this one.
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    }),
  );
  app.use(`/${DOCS_PATH}`, docsHeaders());
  app.enableCors({
    origin: (origin, answer) => answer(null, config.allowsOrigin(origin)),
    credentials: true,
    allowedHeaders: ALLOWED_HEADERS,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_MAX_AGE_S,
  });
  app.use(compression());
  app.useBodyParser('json', { limit: config.env.JSON_BODY_LIMIT });
  app.useWebSocketAdapter(new RealtimeAdapter(app));
  serveDocs(app);
  serveEvents(app);
}

/** Behind a proxy that is not trusted, all clients share the proxy's address and its limits: said once. */
function warnOfUntrustedProxy(app: NestExpressApplication, { production, env }: AppConfig): void {
  let warned = !production || env.TRUST_PROXY > 0;
  app.use((request: Request, _response: Response, next: NextFunction) => {
    if (!warned && request.headers['x-forwarded-for'] !== undefined) {
      warned = true;
      new Logger('Proxy').warn(
        'X-Forwarded-For came, but TRUST_PROXY is not set: limits count the proxy as one client',
      );
    }
    next();
  });
}
