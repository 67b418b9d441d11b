import { ReplyError } from 'ioredis';
import { AppError } from '../common/app-error';

/**
 * Replies by which Redis says that it cannot serve now, by itself or from within a script. Any other error reply is a
 * mistake of ours.
 */
const CANNOT_SERVE =
  /(^|-)(OOM|LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|MISCONF|NOAUTH|NOPERM|WRONGPASS)\b/;

/** Whether Redis itself answered with an error. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof (ReplyError as typeof Error);
}

/** What callers get while Redis does not answer. */
export function unavailable(): AppError {
  return new AppError('CapacityError', 'The server is busy: please try again', { retryAfter: 1 });
}

/** A failed command as callers see it: mistakes of ours as they are, everything else as a `CapacityError`. */
export function understood(error: unknown): unknown {
  if (error instanceof AppError) {
    return error;
  }
  if (isReplyError(error)) {
    return CANNOT_SERVE.test(error.message) ? unavailable() : error;
  }
  const ours = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  return ours ? error : unavailable();
}
