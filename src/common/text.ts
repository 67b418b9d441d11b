// Everything of Unicode's Cc but tab and newline.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// Printable ASCII, tab and newline: nothing to clean but the ends.
const PLAIN = /^[\t\n\x20-\x7e]*$/;

/**
 * Text as it is stored and delivered: `\r\n` becomes `\n`, control characters other than newline and tab go, lone
 * surrogates become U+FFFD, then NFC, then trimmed. Markup is data and stays.
 */
export function cleanText(text: string): string {
  if (PLAIN.test(text)) {
    return text.trim();
  }
  let clean = text;
  if (clean.includes('\r\n')) {
    clean = clean.replaceAll('\r\n', '\n');
  }
  if (CONTROL.test(clean)) {
    clean = clean.replace(CONTROLS, '');
  }
  return clean.toWellFormed().normalize('NFC').trim();
}

/** Length in code points: what a person counts, not UTF-16 units. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff && i + 1 < text.length) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next <= 0xdfff) {
        count--;
        i++;
      }
    }
  }
  return count;
}
