/** Every error code of the API with its HTTP status. Codes are stable: programs branch on them. */
export const ERROR_STATUS = {
  ValidationError: 400,
  AuthenticationError: 401,
  AuthorizationError: 403,
  NotFoundError: 404,
  ConflictError: 409,
  PayloadTooLargeError: 413,
  UnsupportedMediaTypeError: 415,
  RateLimitError: 429,
  InternalServerError: 500,
  CapacityError: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One field of a payload that was refused. `field` is a path such as `settings.messageTtl`. */
export interface ErrorDetail {
  field: string;
  message: string;
}

interface AppErrorOptions {
  details?: ErrorDetail[];
  /** Seconds after which another try makes sense; becomes `Retry-After`. */
  retryAfter?: number;
}

/** The only error that services throw. The message is one sentence for a person and is sent to the client as it is. */
export class AppError extends Error {
  readonly details?: ErrorDetail[];
  readonly retryAfter?: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message);
    this.name = code;
    this.details = options.details;
    this.retryAfter = options.retryAfter;
  }

  /** A `ValidationError` about one field. */
  static field(field: string, message: string): AppError {
    return new AppError('ValidationError', message, { details: [{ field, message }] });
  }
}
