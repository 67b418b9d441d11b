import type { NestExpressApplication } from '@nestjs/platform-express';
import compression from 'compression';
import helmet from 'helmet';
import { Logger } from 'nestjs-pino';
import { quiet } from './common/quiet-logger';
import { REQUEST_ID_HEADER, requestId } from './common/http/request-id';
import { Ids } from './common/ids';
import { AppConfig } from './config/app-config';
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
  app.useLogger(quiet(app.get(Logger)));
  app.set('trust proxy', config.env.TRUST_PROXY);
  app.set('x-powered-by', false);
  app.set('etag', false);
  app.set('query parser', 'simple');
  app.use(requestId(app.get(Ids)));
  app.use(`/${DOCS_PATH}`, docsHeaders());
  app.use(helmet({ crossOriginResourcePolicy: { policy: 'cross-origin' } }));
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
}
