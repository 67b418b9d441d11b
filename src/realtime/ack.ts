import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type Awaitable, isPromise } from '../common/awaitable';
import { type AppError, ERROR_STATUS, type ErrorCode } from '../common/app-error';
import { ErrorDetailDto } from '../common/http/error-body';

export type Ack<T extends object = object> = { success: true } & T;

export class Refusal {
  @ApiProperty({ enum: [false], example: false })
  success!: false;
  @ApiProperty({ example: 'There is no such room', description: 'One sentence for a person.' })
  error!: string;
  @ApiProperty({ enum: Object.keys(ERROR_STATUS), example: 'NotFoundError', description: 'Stable, for programs.' })
  code!: ErrorCode;
  @ApiPropertyOptional({ type: [ErrorDetailDto], description: 'The fields that were refused.' })
  details?: ErrorDetailDto[];
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
