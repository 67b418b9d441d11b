import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AppError, ERROR_STATUS, type ErrorCode } from '../app-error';
import { Ids } from '../ids';
import { errorBody } from './error-body';
import { requestIdOf } from './request-id';

/**
 * Sentences for refusals that are not ours: of the body parsers, of Express and of Nest, whose own messages echo the
 * request. What is missing here is our fault.
 */
const REFUSALS: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map([
  [400, ['ValidationError', 'The request could not be read: its body is malformed']],
  [404, ['NotFoundError', 'There is no such route']],
  [413, ['PayloadTooLargeError', 'The request body is too large']],
  [415, ['UnsupportedMediaTypeError', 'The request body has a charset or an encoding that is not supported']],
]);

/** Refusals of the form parser that are not the client's malformed form, by the code of multer. */
const FORM_REFUSALS: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  ['LIMIT_FILE_SIZE', ['PayloadTooLargeError', 'The file is too large']],
  ['LIMIT_UNEXPECTED_FILE', ['ValidationError', 'The form has a file in a field that takes none, or too many files']],
  ['LIMIT_FIELD_VALUE', ['PayloadTooLargeError', 'A field of the form is too long']],
]);
const UNDECODABLE = 'Failed to decode param';
const FORM_MALFORMED = [
  'ValidationError',
  'The form could not be read: it is malformed or has too many parts',
] as const;

/** Turns whatever was thrown into the error body of the contract. */
@Catch()
@Injectable()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(HttpErrorFilter.name);

  constructor(private readonly ids: Ids) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const requestId = requestIdOf(request, response, this.ids);
    const error = understood(exception) ?? this.unexpected(exception, requestId);
    if (response.headersSent) {
      // Half an answer cannot become an error: the client must see that it was cut off.
      response.destroy();
      return;
    }
    if (error.retryAfter !== undefined) {
      response.setHeader('Retry-After', Math.max(1, Math.ceil(error.retryAfter)));
    }
    if (error.code === 'AuthenticationError') {
      response.setHeader('WWW-Authenticate', 'Bearer');
    }
    response.status(ERROR_STATUS[error.code]).json(errorBody(error, requestId));
  }

  private unexpected(exception: unknown, requestId: string): AppError {
    this.logger.error({ err: exception, requestId }, 'A request failed');
    return new AppError('InternalServerError', 'Something went wrong on our side');
  }
}

/** The error as one of ours; undefined where its cause is for the log only. */
function understood(exception: unknown): AppError | undefined {
  if (exception instanceof AppError) {
    return exception.code === 'InternalServerError' ? undefined : exception;
  }
  const formError = formErrorCode(exception);
  if (formError !== undefined) {
    return new AppError(...(FORM_REFUSALS.get(formError) ?? FORM_MALFORMED));
  }
  const refusal = REFUSALS.get(statusOf(exception) ?? 500);
  return refusal && new AppError(...refusal);
}

/** The code of an error of multer, which is known by its name here so that only uploads load that library. */
function formErrorCode(exception: unknown): string | undefined {
  const { name, code } = (exception ?? {}) as { name?: unknown; code?: unknown };
  return name === 'MulterError' && typeof code === 'string' ? code : undefined;
}

function statusOf(exception: unknown): number | undefined {
  if (exception instanceof HttpException) {
    // An address that cannot be decoded names nothing. Express calls it a bad request, Nest keeps only these words.
    return exception.message.startsWith(UNDECODABLE) ? 404 : exception.getStatus();
  }
  // http-errors, which body-parser and Express throw: `expose` says that the client is to blame.
  const { status, expose } = (exception ?? {}) as { status?: unknown; expose?: unknown };
  return typeof status === 'number' && expose === true ? status : undefined;
}
