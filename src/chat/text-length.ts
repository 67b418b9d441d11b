import { AppError } from '../common/app-error';
import { codePoints } from '../common/text';

/** @throws AppError ValidationError for a text of more characters than `MAX_MESSAGE_LENGTH` */
export function checkLength(content: string, maxLength: number): void {
  if (content.length > maxLength && codePoints(content) > maxLength) {
    throw AppError.field('content', `content must have at most ${maxLength} characters`);
  }
}
