import { type Awaitable, isPromise } from '../common/awaitable';
import type { AppError, ErrorCode, ErrorDetail } from '../common/app-error';

export type Ack<T extends object = object> = { success: true } & T;

export interface Refusal {
  success: false;
  error: string;
  code: ErrorCode;
  details?: ErrorDetail[];
}

/** The ack of a success. */
export function ack(result: Awaitable<void>): Awaitable<Ack>;
export function ack<T extends object>(result: Awaitable<T>): Awaitable<Ack<T>>;
export function ack(result: Awaitable<object | void>): Awaitable<Ack> {
  return isPromise(result) ? result.then(succeed) : succeed(result);
}

function succeed(result: object | void): Ack {
  return Object.assign({ success: true as const }, result);
}

/** The ack of a failure. */
export function refusal(error: AppError): Refusal {
  const { message, code, details } = error;
  return details ? { success: false, error: message, code, details } : { success: false, error: message, code };
}
