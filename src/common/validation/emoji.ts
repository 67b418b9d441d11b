import { ValidateBy } from 'class-validator';

/** UTF-16 units; the longest sequences that Unicode recommends have 15. */
const MAX_LENGTH = 32;
/** Code points that emoji sequences are made of. */
const PARTS = /^[\p{Emoji}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f\u20e3\u{e0020}-\u{e007f}]+$/u;
/** A picture, a flag, or a keycap: digits alone are parts, too. */
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|^[0-9#*]\ufe0f?\u20e3$/u;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Whether a text is one emoji, as a person counts. */
export function isEmoji(text: string): boolean {
  if (text.length > MAX_LENGTH || !PARTS.test(text) || !PICTURE.test(text)) {
    return false;
  }
  const [first] = graphemes.segment(text);
  return first?.segment === text;
}

/** One emoji, untouched. */
export function IsEmoji(): PropertyDecorator {
  return ValidateBy({
    name: 'emoji',
    validator: {
      validate: (value: unknown): boolean => typeof value === 'string' && isEmoji(value),
      defaultMessage: (args) => `${args?.property} must be one emoji`,
    },
  });
}
