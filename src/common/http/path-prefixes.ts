import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** Below these every REST path is served as well: clients of the namespace of that name know one base URL for both. */
export const PATH_PREFIXES: readonly string[] = ['/rooms', '/ghost'];

/** Takes one prefix off a request's path before anything looks at it: there is one route, with its limits and rules. */
export function servedBelow(prefixes: readonly string[]): RequestHandler {
  return (request: Request, _response: Response, next: NextFunction) => {
    const prefix = prefixes.find((one) => isBelow(request.url, one));
    if (prefix !== undefined) {
      const rest = request.url.slice(prefix.length);
      request.url = rest.startsWith('/') ? rest : `/${rest}`;
    }
    next();
  };
}

function isBelow(url: string, prefix: string): boolean {
  const next = url[prefix.length];
  return url.startsWith(prefix) && (next === undefined || next === '/' || next === '?');
}
