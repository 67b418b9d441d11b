import { AppError } from '../common/app-error';
import { cleanText, codePoints } from '../common/text';

/** Longest text of all, code points: that of an encrypted room. Others have `MAX_MESSAGE_LENGTH`. */
export const MAX_TEXT_LENGTH = 20_000;

/** Text for people, cleaned (see `cleanText`). @throws AppError ValidationError for more than `maxLength` characters */
export function plainText(raw: string, maxLength: number): string {
  const text = cleanText(raw);
  checkLength(text, maxLength);
  return text;
}

/**
 * Text of an encrypted room, as it came. @throws AppError ValidationError for what is too long, or could not be served as
 * it came: UTF-8 has no lone surrogates
 */
export function opaqueText(raw: string): string {
  checkLength(raw, MAX_TEXT_LENGTH);
  if (!raw.isWellFormed()) {
    throw AppError.field(
      'content',
      'content must have no lone surrogates: in an encrypted room it is served as it came',
    );
  }
  return raw;
}

function checkLength(content: string, maxLength: number): void {
  if (content.length > maxLength && codePoints(content) > maxLength) {
    throw AppError.field('content', `content must have at most ${maxLength} characters`);
  }
}
