import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsInt, IsString, Max, Min, ValidateBy, ValidateIf } from 'class-validator';
import { cleanText, codePoints } from '../text';

interface TextOptions {
  /** Least length in code points of the cleaned text, default 0. */
  min?: number;
  /** Most code points of the cleaned text. */
  max: number;
}

/** Most UTF-16 units of raw text that are cleaned at all, as a multiple of what is allowed: bounds the work on junk. */
const RAW_FACTOR = 8;

/** Length in code points, which `MaxLength` of class-validator is not (it ignores variation selectors). */
export function CodePoints(min: number, max: number): PropertyDecorator {
  return ValidateBy({
    name: 'codePoints',
    constraints: [min, max],
    validator: {
      validate: (value: unknown): boolean => {
        if (typeof value !== 'string') {
          return false;
        }
        // A string has at least half as many code points as units.
        if (value.length > max * 2) {
          return false;
        }
        const length = codePoints(value);
        return length >= min && length <= max;
      },
      defaultMessage: (args) =>
        min > 0
          ? `${args?.property} must have ${min} to ${max} characters`
          : `${args?.property} must have at most ${max} characters`,
    },
  });
}

/** Text for people: a string, cleaned (see `cleanText`), its length counted afterwards. */
export function IsText({ min = 0, max }: TextOptions): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && value.length <= max * RAW_FACTOR ? cleanText(value) : value,
    ),
    CodePoints(min, max),
    IsString(),
  );
}

/**
 * Text as it came, to be cleaned, and its length counted, where it is known whether it is for people: a string of at most
 * so many UTF-16 units as `IsText` with this `max` takes.
 */
export function IsRawText({ min = 0, max }: TextOptions): PropertyDecorator {
  return ValidateBy({
    name: 'rawText',
    constraints: [min, max],
    validator: {
      validate: (value: unknown): boolean =>
        typeof value === 'string' && value.length >= min && value.length <= max * RAW_FACTOR,
      defaultMessage: (args) =>
        min > 0
          ? `${args?.property} must have ${min} to ${max} characters`
          : `${args?.property} must have at most ${max} characters`,
    },
  });
}

/** Opaque text (keys, ciphertext, cursors): a string, untouched, at most `max` UTF-16 units. */
export function IsOpaque(max: number, min = 0): PropertyDecorator {
  return ValidateBy({
    name: 'opaque',
    constraints: [min, max],
    validator: {
      validate: (value: unknown): boolean => typeof value === 'string' && value.length >= min && value.length <= max,
      defaultMessage: (args) => `${args?.property} must be a string of ${min} to ${max} characters`,
    },
  });
}

/** A list of opaque texts: at most `most`, each of `min` to `max` UTF-16 units. */
export function IsOpaqueList(most: number, max: number, min = 0): PropertyDecorator {
  return ValidateBy({
    name: 'opaqueList',
    constraints: [most, min, max],
    validator: {
      validate: (value: unknown): boolean =>
        Array.isArray(value) &&
        value.length <= most &&
        value.every((one) => typeof one === 'string' && one.length >= min && one.length <= max),
      defaultMessage: (args) => `${args?.property} must be at most ${most} strings of ${min} to ${max} characters`,
    },
  });
}

/** May be null as well; absent is decided by `IsOptional`, which does not turn null into absent beside this. */
export function IsNullable(): PropertyDecorator {
  return ValidateIf((_dto, value) => value !== null);
}

/** The one coercion there is: a whole number as a canonical decimal string (query parameters, multipart fields). */
export function IsIntString(min: number, max: number): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(value) ? Number(value) : value,
    ),
    Min(min),
    Max(max),
    IsInt(),
  );
}
