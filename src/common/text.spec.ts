import fc from 'fast-check';
import { cleanText, codePoints } from './text';

const SEED = 20260101;
const REPLACEMENT = '\ufffd';

/** The contract's sentence on text, word for word. */
function naiveClean(text: string): string {
  let clean = '';
  const unixLines = text.split('\r\n').join('\n');
  for (const character of unixLines) {
    const code = character.codePointAt(0) ?? 0;
    const control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    if (control && character !== '\n' && character !== '\t') {
      continue;
    }
    clean += code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : character;
  }
  return clean.normalize('NFC').trim();
}

/** Text that people send and text that people attack with. */
const unit = fc.oneof(
  { arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }), weight: 4 },
  { arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), weight: 3 },
  {
    arbitrary: fc.constantFrom(
      ...['\r\n', '\r', '\n', '\t', '\0', ' ', '\u007f', '\u0085', '\u00a0', '\u2028', '\ufeff', '\u200d', '\ufe0f'],
      ...['\ud83d', '\ude00', '\u{1F600}', 'e\u0301', '\u0301', '\u1100\u1161', '\u212b', '<b>', '&amp;'],
    ),
    weight: 4,
  },
);
const text = fc.oneof(
  fc.array(unit, { maxLength: 30 }).map((parts) => parts.join('')),
  fc.string({ unit: fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)), maxLength: 30 }),
);
const RUNS = { seed: SEED, numRuns: 3000 };

describe('cleaning text', () => {
  it('does what the contract says, to any text', () => {
    fc.assert(
      fc.property(text, (raw) => cleanText(raw) === naiveClean(raw)),
      RUNS,
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(text, (raw) => cleanText(cleanText(raw)) === cleanText(raw)),
      RUNS,
    );
  });

  it.each([
    ['a\r\nb\rc', 'a\nbc'],
    ['\0a\u0007b\u009f', 'ab'],
    ['\ud83d!', '\ufffd!'],
    ['e\u0301', '\u00e9'],
    ['\t a \n', 'a'],
    ['<script>alert("&amp;")</script>', '<script>alert("&amp;")</script>'],
    [' \u0000\r\n', ''],
  ])('makes %j %j', (raw, clean) => {
    expect(cleanText(raw)).toBe(clean);
  });
});

describe('the length of a text', () => {
  it('counts code points', () => {
    fc.assert(
      fc.property(text, (raw) => codePoints(raw) === [...raw].length),
      RUNS,
    );
  });
});
