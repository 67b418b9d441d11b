import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ERROR_STATUS, type ErrorCode } from '../app-error';
import { ErrorBodyDto } from './error-body';

const MEANING: Record<ErrorCode, string> = {
  ValidationError: 'The request is not valid; `details` names the fields.',
  AuthenticationError: 'There is no token, or it is not good any more.',
  AuthorizationError: 'The caller may not do this.',
  NotFoundError: 'There is no such thing, or the caller may not see it.',
  ConflictError: 'It clashes with what is there.',
  PayloadTooLargeError: 'The body is too large.',
  UnsupportedMediaTypeError: 'The body is of a type that is not taken.',
  RateLimitError: 'Too many requests; `Retry-After` says in how many seconds to try again.',
  InternalServerError: 'Something went wrong on the side of the server.',
  CapacityError: 'The server is full or busy; try again later.',
};

/** Documents the errors of a route. Those that every route may give are added. */
export function ApiErrors(...codes: ErrorCode[]): MethodDecorator & ClassDecorator {
  const all = new Set<ErrorCode>([...codes, 'RateLimitError', 'InternalServerError']);
  return applyDecorators(
    ApiExtraModels(ErrorBodyDto),
    ...[...all].map((code) =>
      ApiResponse({
        status: ERROR_STATUS[code],
        description: `\`${code}\`: ${MEANING[code]}`,
        // JSON whatever the route gives on success.
        content: { 'application/json': { schema: { $ref: getSchemaPath(ErrorBodyDto) } } },
        ...(code === 'RateLimitError' && {
          headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer', example: 12 } } },
        }),
      }),
    ),
  );
}
