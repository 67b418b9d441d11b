import { isDeepStrictEqual } from 'node:util';

/** `toEqual`, for properties that compare a hundred thousand times: jest's own takes ten times as long. */
export function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) {
    expect(actual).toEqual(expected);
    throw new Error('Equal but for undefined fields or classes');
  }
}
