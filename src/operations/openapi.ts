import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import { VERSION } from './version';

export const DOCS_PATH = 'api/docs';

/** The OpenAPI document of every route. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const options = new DocumentBuilder()
    .setTitle('Mayfly')
    .setDescription(
      'A chat backend whose messages really go away. Register or log in, copy the `token` of the answer, press ' +
        '**Authorize** and paste it. Live events run over Socket.IO: see [the event reference](events).',
    )
    .setVersion(VERSION)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addTag('Auth', 'Registering, tokens, passwords')
    .addTag('Users', 'Profiles, search, who is online')
    .addTag('Chat', 'Rooms and messages')
    .addTag('Operations', 'Health and statistics')
    .addTag('Admin', 'For operators; there only where `ADMIN_TOKEN` is set')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .addSecurity('admin', { type: 'apiKey', in: 'header', name: 'x-admin-token', description: '`ADMIN_TOKEN`.' })
    .addSecurity('metrics', { type: 'http', scheme: 'bearer', description: '`METRICS_TOKEN`, where that is set.' })
    .build();
  return SwaggerModule.createDocument(app, options, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
}

/** Serves Swagger UI at `/api/docs` and its document at `/api/docs-json`. Authorisation outlives a reload. */
export function serveDocs(app: INestApplication): void {
  SwaggerModule.setup(DOCS_PATH, app, () => openApiDocument(app), {
    customSiteTitle: 'Mayfly API',
    jsonDocumentUrl: 'api/docs-json',
    yamlDocumentUrl: 'api/docs-yaml',
    swaggerOptions: { persistAuthorization: true, tryItOutEnabled: true, displayRequestDuration: true },
  });
}

/** Swagger UI brings inline styles and data images; scripts come from this server alone. */
export function docsHeaders(): RequestHandler {
  return helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      frameAncestors: ["'none'"],
    },
  });
}
