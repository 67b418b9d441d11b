import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { HttpStatus, type INestApplication } from '@nestjs/common';
import type { Request, Response } from 'express';
import helmet from 'helmet';
import { asyncApiDocument } from './document';

const EVENTS_PATH = '/api/events';
const DOCUMENT_PATH = '/api/asyncapi.json';

/** Seconds for which browsers keep the viewer. */
const MAX_AGE_S = 3600;

/** Its addresses are relative: behind a proxy there may be a path before ours. */
const HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Mayfly events</title>
    <link rel="stylesheet" href="events/viewer.css" />
    <style>
      body {
        margin: 0;
        font-family: system-ui, sans-serif;
      }
    </style>
  </head>
  <body>
    <div id="reference"></div>
    <noscript>The document behind this page is <a href="asyncapi.json">asyncapi.json</a>.</noscript>
    <script src="events/viewer.js"></script>
    <script src="events/page.js"></script>
  </body>
</html>
`;

/** The labels speak from the reader's side: the document, by its standard, from the server's. */
const SCRIPT = `'use strict';
AsyncApiStandalone.render(
  {
    schema: { url: new URL('asyncapi.json', document.baseURI).href },
    config: {
      show: { sidebar: true, messages: false },
      expand: { messageExamples: true },
      sendLabel: 'on',
      receiveLabel: 'emit',
      replyLabel: 'emit',
    },
  },
  document.getElementById('reference'),
);
`;

/** Serves the event reference: the document, and a page that shows it without any other server. */
export function serveEvents(app: INestApplication): void {
  const http = app.getHttpAdapter();
  let json: string | undefined;
  http.get(DOCUMENT_PATH, (_request: Request, response: Response) => {
    json ??= JSON.stringify(asyncApiDocument(app));
    response.type('json').send(json);
  });
  http.get(EVENTS_PATH, (request: Request, response: Response) => {
    if (request.path.endsWith('/')) {
      response.redirect(HttpStatus.PERMANENT_REDIRECT, '../events');
      return;
    }
    policy(request, response, () => response.type('html').send(HTML));
  });
  http.get(`${EVENTS_PATH}/page.js`, (_request: Request, response: Response) => {
    response.type('js').send(SCRIPT);
  });
  http.get(
    `${EVENTS_PATH}/viewer.js`,
    asset('js', require.resolve('@asyncapi/react-component/browser/standalone/index.js')),
  );
  http.get(
    `${EVENTS_PATH}/viewer.css`,
    asset('css', require.resolve('@asyncapi/react-component/styles/default.min.css')),
  );
}

/** The viewer compiles schemas to functions, and so needs `unsafe-eval`: on its own page and nowhere else. */
const policy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'self'"],
    scriptSrc: ["'self'", "'unsafe-eval'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

/** A file of the viewer. It has 3 MB, so it is compressed once, when it is first asked for. */
function asset(type: string, file: string): (request: Request, response: Response) => Promise<void> {
  const load = async (): Promise<Buffer> => promisify(gzip)(await readFile(file));
  let compressed: Promise<Buffer> | undefined;
  return async (request, response) => {
    response.set('Cache-Control', `public, max-age=${MAX_AGE_S}`).vary('Accept-Encoding');
    if (!request.acceptsEncodings('gzip')) {
      response.sendFile(file, { cacheControl: false });
      return;
    }
    compressed ??= load();
    response
      .type(type)
      .set('Content-Encoding', 'gzip')
      .send(await compressed);
  };
}
