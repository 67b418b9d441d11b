import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Ids } from '../ids';

export const REQUEST_ID_HEADER = 'X-Request-Id';

/** What a proxy may call a request; anything else could forge lines of the log. */
const ACCEPTED = /^[A-Za-z0-9-]{8,64}$/;

/**
 * The id under which the log and the error body speak of this request: the incoming one where it is acceptable, else a
 * new one. It stays the same for the life of the response and is sent as `X-Request-Id`.
 */
export function requestIdOf(request: Request, response: Response, ids: Ids): string {
  const known = response.getHeader(REQUEST_ID_HEADER);
  if (typeof known === 'string') {
    return known;
  }
  const incoming = request.get(REQUEST_ID_HEADER);
  const id = incoming !== undefined && ACCEPTED.test(incoming) ? incoming : ids.id();
  if (!response.headersSent) {
    response.setHeader(REQUEST_ID_HEADER, id);
  }
  return id;
}

/** Express middleware that gives every response its `X-Request-Id`; belongs before the body parsers. */
export function requestId(ids: Ids): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    requestIdOf(request, response, ids);
    next();
  };
}
