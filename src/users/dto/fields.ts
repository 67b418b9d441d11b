import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsEmail, Matches } from 'class-validator';
import { cleanText } from '../../common/text';
import { CodePoints, IsText } from '../../common/validation/decorators';

/** What mail systems carry at most, in characters. */
export const MAX_EMAIL_LENGTH = 254;

/** An account's name. */
export function IsUsername(): PropertyDecorator {
  return applyDecorators(
    IsText({ min: 3, max: 30 }),
    Matches(/^[A-Za-z0-9_.-]*$/, { message: '$property may have letters, digits, _ . and - only' }),
  );
}

/** An e-mail address in the form in which it is unique: cleaned, lower case. */
export function IsEmailAddress(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && value.length <= 2 * MAX_EMAIL_LENGTH ? cleanText(value).toLowerCase() : value,
    ),
    CodePoints(3, MAX_EMAIL_LENGTH),
    IsEmail({}, { message: '$property must be an e-mail address' }),
  );
}
