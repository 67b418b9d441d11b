import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import { IsText } from '../../common/validation/decorators';

const MAX_PLACE = 100;

/** Where somebody says that they are. */
export class LocationDto {
  @ApiPropertyOptional({ maxLength: MAX_PLACE, example: 'Germany' })
  @IsOptional()
  @IsText({ max: MAX_PLACE })
  country?: string;

  @ApiPropertyOptional({ maxLength: MAX_PLACE, example: 'Berlin' })
  @IsOptional()
  @IsText({ max: MAX_PLACE })
  region?: string;

  @ApiPropertyOptional({ maxLength: MAX_PLACE, example: 'Berlin' })
  @IsOptional()
  @IsText({ max: MAX_PLACE })
  city?: string;

  @ApiPropertyOptional({ maxLength: MAX_PLACE, example: 'Europe/Berlin' })
  @IsOptional()
  @IsText({ max: MAX_PLACE })
  timezone?: string;
}
