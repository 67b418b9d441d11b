import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type AppError, ERROR_STATUS, type ErrorCode } from '../app-error';

export class ErrorDetailDto {
  @ApiProperty({ example: 'username', description: 'Path of the field, such as `location.city`.' })
  field: string;

  @ApiProperty({ example: 'username must have 3 to 30 characters' })
  message: string;
}

/** Every error of the REST API has this body. */
export class ErrorBodyDto {
  @ApiProperty({ example: false })
  success: false;

  @ApiProperty({ type: 'integer', example: 400, description: 'The HTTP status.' })
  statusCode: number;

  @ApiProperty({ enum: Object.keys(ERROR_STATUS), example: 'ValidationError', description: 'Stable, for programs.' })
  code: ErrorCode;

  @ApiProperty({ example: 'username must have 3 to 30 characters', description: 'One sentence for a person.' })
  error: string;

  @ApiProperty({ example: 'username must have 3 to 30 characters', description: '`error` again, for older clients.' })
  message: string;

  @ApiPropertyOptional({ type: [ErrorDetailDto], description: 'The fields that were refused.' })
  details?: ErrorDetailDto[];

  @ApiPropertyOptional({ type: [ErrorDetailDto], description: '`details` again, for older clients.' })
  errors?: ErrorDetailDto[];

  @ApiProperty({ example: '5f3c9a1be07d42c68a90b1f2', description: 'The log speaks of the request by this name.' })
  requestId: string;
}

/** The body of an error as the contract has it. */
export function errorBody(error: AppError, requestId: string): ErrorBodyDto {
  const { code, message, details } = error;
  return {
    success: false,
    statusCode: ERROR_STATUS[code],
    code,
    error: message,
    message,
    ...(details && { details, errors: details }),
    requestId,
  };
}
