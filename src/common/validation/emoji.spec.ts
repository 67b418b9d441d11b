import { isEmoji } from './emoji';

describe('an emoji', () => {
  it.each(['👍', '👍🏽', '❤️', '❤', '👨‍👩‍👧‍👦', '🇩🇪', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', '🧑🏽‍🤝‍🧑🏿', '😀'])('is %s', (text) => {
    expect(isEmoji(text)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['a letter', 'a'],
    ['a digit', '1'],
    ['two', '👍👍'],
    ['one with a letter', '👍a'],
    ['one and a space', '👍 '],
    ['half a flag', '🇩'],
    ['a joiner alone', '\u200d'],
    ['half a surrogate pair', '\ud83d'],
    ['one with marks upon marks', `👍${'\u0301'.repeat(5)}`],
    ['one that never ends', `👍${'\u200d👍'.repeat(20)}`],
    ['markup', '<b>'],
  ])('is not %s', (_what, text) => {
    expect(isEmoji(text)).toBe(false);
  });
});
