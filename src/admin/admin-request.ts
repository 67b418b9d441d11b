import { Reflector } from '@nestjs/core';
import type { Request } from 'express';

/** What the audit line calls the route. */
export const AdminAction = Reflector.createDecorator<string>();

/** A request to an admin route. */
export interface AdminRequest extends Request {
  /** Once the guard has let it in: the id of an account, or that the admin token was used. */
  actor?: string;
}

/** The id in the path, of a route that has one. */
export function targetOf({ params: { id } }: AdminRequest): string | undefined {
  return typeof id === 'string' ? id : undefined;
}
