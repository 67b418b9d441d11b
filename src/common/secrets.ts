import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether two secrets are the same. Takes as long whatever they have in common, and whatever their lengths. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
