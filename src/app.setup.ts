import type { NestExpressApplication } from '@nestjs/platform-express';
import compression from 'compression';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { createLog, PinoLogger, requestLog } from './common/logging';
import { PATH_PREFIXES, servedBelow } from './common/http/path-prefixes';
import { ProxyNotice } from './common/http/proxy-notice';
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
  const proxies = app.get(ProxyNotice);
  app.use((request: Request, _response: Response, next: NextFunction) => {
    proxies.look(request);
    next();
  });
  app.use(
    helmet({
      crossOriginResourcePolicy: { policy: 'cross-origin' },
      // Answers are data. Pages, which need more, set a policy of their own behind this one.
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    }),
  );
  app.use((_request: Request, response: Response, next: NextFunction) => {
    // What is read may be gone the next moment: no browser or proxy keeps an answer that does not say otherwise.
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
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
