import { HttpAdapterHost } from '@nestjs/core';
import { FakeClock } from '../../test/support/fake-clock';
import { AppConfig } from '../config/app-config';
import { LinkSigner, UPLOAD } from './link-signer';

const FILE = '5f3c9a1be07d42c68a90b1f2.webp';
const DAY_MS = 86_400_000;

function signer(settings: Record<string, string> = {}) {
  const clock = new FakeClock();
  const config = AppConfig.from({ JWT_SECRET: 'a secret of the tests that is long enough', ...settings });
  return { clock, links: new LinkSigner(config, clock, new HttpAdapterHost()) };
}

const query = (url: string): { exp: string | null; sig: string | null } => {
  const { searchParams } = new URL(url);
  return { exp: searchParams.get('exp'), sig: searchParams.get('sig') };
};

describe('LinkSigner', () => {
  it('signs for a holder and an end, a day away at most', () => {
    const { clock, links } = signer({ PORT: '4000' });
    const now = clock.now();
    const url = links.sign(FILE, { for: 'msg_1', until: now + 1000 });
    expect(url).toMatch(`http://localhost:4000/api/images/${FILE}?exp=${now + 1000}&sig=msg_1.`);
    expect(query(links.sign(FILE, { for: 'msg_1', until: now + 2 * DAY_MS })).exp).toBe(String(now + DAY_MS));
    expect(query(links.sign(FILE, { for: 'msg_1', until: null })).exp).toBe(String(now + DAY_MS));
    const { exp, sig } = query(url);
    expect(links.verify(FILE, exp, sig)).toBe('msg_1');
    clock.advance(999);
    expect(links.verify(FILE, exp, sig)).toBe('msg_1');
    clock.advance(1);
    expect(links.verify(FILE, exp, sig)).toBeUndefined();
  });

  it('knows no link of another file, end, holder or secret', () => {
    const { clock, links } = signer();
    const { exp, sig } = query(links.sign(FILE, { for: UPLOAD, until: clock.now() + 1000 }));
    const [, mac = ''] = sig?.split('.') ?? [];
    expect(links.verify(FILE, exp, sig)).toBe(UPLOAD);
    expect(links.verify(FILE.replace('5', '6'), exp, sig)).toBeUndefined();
    expect(links.verify(FILE, String(Number(exp) + 1), sig)).toBeUndefined();
    expect(links.verify(FILE, exp, `msg_1.${mac}`)).toBeUndefined();
    expect(links.verify(FILE, exp, `${UPLOAD}.${'A'.repeat(22)}`)).toBeUndefined();
    const other = signer({ JWT_SECRET: 'another secret of the tests, as long as it must be' });
    expect(other.links.verify(FILE, exp, sig)).toBeUndefined();
  });

  it.each([
    [`https://chat.example.com/api/images/${FILE}?exp=1&sig=upload.x`, FILE],
    [`http://localhost:3000/api/images/${FILE}`, FILE],
    [`https://chat.example.com/mayfly/api/images/${FILE}#x`, FILE],
    [`/api/images/${FILE}?exp=1`, FILE],
    [FILE, FILE],
    [`https://chat.example.com/other/${FILE}`, undefined],
    [`javascript:alert(1)//api/images/${FILE}`, undefined],
    [`/api/images/../${FILE}`, undefined],
    ['/api/images/', undefined],
    [`/api/images/${FILE}\0`, undefined],
    ['data:image/png;base64,AAAA', undefined],
    ['', undefined],
    [`${'x'.repeat(3000)}${FILE}`, undefined],
  ])('finds in %j the file %j', (url, filename) => {
    expect(signer().links.filenameIn(url)).toBe(filename);
  });
});
