import { Needles } from './needles';

describe('the search for needles', () => {
  const needles = new Needles();
  const found = (bytes: Buffer | string): string[] => [...needles.in(Buffer.from(bytes as string))];

  it('finds each by the way that it came, wherever it stands', () => {
    expect(found(`x${needles.of('text')}-${needles.of('name')}`)).toEqual(['text', 'name']);
    expect(found('nothing of the kind')).toEqual([]);
    expect(found(new Needles().of('text'))).toEqual([]);
  });

  it.each(['utf16le', 'hex', 'base64', 'base64url'] as const)(
    'finds it in %s, whatever stands before it',
    (encoding) => {
      for (const before of ['', 'a', 'ab', 'abc']) {
        const text = Buffer.from(`${before}${needles.of('text')} and more`);
        const encoded = encoding === 'utf16le' ? Buffer.from(text.toString(), 'utf16le') : text.toString(encoding);
        expect(found(encoded as string)).toHaveLength(1);
      }
    },
  );

  it('finds bytes that are none of text', () => {
    const picture = new Needles();
    picture.addBytes('pixels', Buffer.from([0, 255, 254, 1, 2, 3]));
    expect([...picture.in(Buffer.from([9, 0, 255, 254, 1, 2, 3, 9]))]).toEqual(['pixels']);
    expect([...picture.in(Buffer.from([9, 0, 255, 254, 1, 2]))]).toEqual([]);
  });
});
