import { AppConfig } from '../../config/app-config';
import { Cursors } from './cursors';

const config = (secret: string): AppConfig => AppConfig.from({ JWT_SECRET: secret });
const cursors = new Cursors(config('a-secret-of-the-tests-that-is-long-enough'));

describe('a cursor', () => {
  it('brings its position back, on every node', () => {
    const other = new Cursors(config('a-secret-of-the-tests-that-is-long-enough'));
    for (const position of ['', '7', 'a.b', 'ü\n💬']) {
      expect(other.decode('users', cursors.encode('users', position))).toBe(position);
    }
  });

  it('is good in an address', () => {
    expect(cursors.encode('users', 'ü\n💬?&=/+')).toMatch(/^[\w.-]+$/);
  });

  it('of another list, another server or another position is refused', () => {
    const [position, mac] = cursors.encode('users', '7').split('.');
    for (const cursor of [
      cursors.encode('rooms', '7'),
      new Cursors(config('another-secret-of-the-tests-long-enough')).encode('users', '7'),
      `${cursors.encode('users', '8').split('.')[0]}.${mac}`,
      `${position}.`,
      position ?? '',
      '',
    ]) {
      expect(() => cursors.decode('users', cursor)).toThrow('cursor must be a nextCursor of this list');
    }
  });
});
