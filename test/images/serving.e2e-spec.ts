import type { AttachmentReference } from '../../src/attachments/attachment-store';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { ImagesService } from '../../src/attachments/images.service';
import { ImageViewers } from '../../src/attachments/image-viewers';
import { LinkSigner } from '../../src/attachments/link-signer';
import type { Identity } from '../../src/common/identity';
import { expectError, type Person } from '../support/accounts-app';
import { eventually, ImagesApp, type UploadedImage } from '../support/images-app';
import { picture } from '../support/pictures';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let app: ImagesApp;
let alice: Person;
let bob: Person;
let image: UploadedImage;

beforeEach(async () => {
  app = await ImagesApp.start({ JWT_EXPIRES_IN: '30d' });
  alice = await app.accounts.register('alice');
  bob = await app.accounts.register('bob');
  image = await app.upload(alice);
});

afterEach(() => app.close());

const path = (): string => `/api/images/${image.filename}`;
const expectGone = async (address: string, token?: string): Promise<void> => {
  const response = await app.call('get', address, token);
  expectError(response, 404, 'NotFoundError', 'There is no such image');
  expect(response.headers['cache-control']).toBe('private, no-store');
};
/** A message of Alice's that shows the image for so long. */
const show = (holder: string, lifeMs: number): Promise<unknown> | unknown =>
  app.attachments.refer(alice.id, image.filename, {
    holder,
    roomId: 'room',
    expiresAt: app.accounts.clock.now() + lifeMs,
  });
const linkFor = (holder: string, lifeMs: number): string => {
  const until = app.accounts.clock.now() + lifeMs;
  const { pathname, search } = new URL(app.accounts.nest.get(LinkSigner).sign(image.filename, { for: holder, until }));
  return pathname + search;
};

/** Something that shows the image to Bob, by these holders. */
class Shown extends ImageViewers {
  readonly asked: unknown[] = [];

  constructor(readonly holders: Set<string>) {
    super();
  }

  override isShown(filename: string, { holder }: AttachmentReference): boolean {
    return filename === image.filename && this.holders.has(holder);
  }

  override mayView({ userId }: Identity, filename: string, references: readonly AttachmentReference[]): boolean {
    this.asked.push([filename, references.map(({ holder }) => holder)]);
    return userId === bob.id && references.some(({ holder }) => this.holders.has(holder));
  }
}

function shows(...holders: string[]): Shown {
  const viewers = new Shown(new Set(holders));
  app.accounts.nest.get(ImagesService).addViewers(viewers);
  return viewers;
}

describe('GET /api/images/:filename', () => {
  it('lets any page show the image, and nobody keep it', async () => {
    const { headers } = await app.call('get', image.link).set('Origin', 'http://localhost:5173').expect(200);
    expect(headers).toMatchObject({
      'content-type': 'image/webp',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'cross-origin',
      'content-security-policy': "default-src 'none'",
      'access-control-allow-origin': 'http://localhost:5173',
    });
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(headers).not.toHaveProperty('etag');
  });

  it('answers HEAD without the bytes', async () => {
    const response = await fetch(new URL(image.link, app.url), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0);
    await eventually(() => app.descriptors().length === 0);
  });

  it('serves its uploader by token, in the header or in the address, and nobody else', async () => {
    await app.call('get', path(), alice.token).expect(200);
    await app.call('get', `${path()}?token=${alice.token}`).expect(200);
    await expectGone(path());
    await expectGone(path(), bob.token);
    await expectGone(`${path()}?token=${bob.token}`);
    await expectGone(path(), 'x.y.z');
    await expectGone(`${path()}?token=${alice.token}&token=${alice.token}`);
  });

  it('serves those to whom a message shows it, as long as it does', async () => {
    const { asked } = shows('msg_1');
    await expectGone(path(), bob.token);
    await show('msg_1', 1000);
    await show('msg_2', 2000);
    await app.call('get', path(), bob.token).expect(200);
    await expectGone(path(), (await app.accounts.register('carol')).token);
    app.accounts.clock.advance(1000);
    await expectGone(path(), bob.token);
    expect(asked.at(-1)).toEqual([image.filename, ['msg_2']]);
  });

  it('answers what is not a link of ours like an image that never was', async () => {
    const [, exp = '', holder = '', mac = ''] = /exp=(\d+)&sig=([^.]+)\.(.+)$/.exec(image.link) ?? [];
    const other = await app.upload(alice);
    for (const query of [
      '',
      `?exp=${exp}`,
      `?sig=${holder}.${mac}`,
      `?exp=${Number(exp) + 1}&sig=${holder}.${mac}`,
      `?exp=0${exp}&sig=${holder}.${mac}`,
      `?exp=${exp}&exp=${exp}&sig=${holder}.${mac}`,
      `?exp=${exp}&sig=${mac}`,
      `?exp=${exp}&sig=${holder}.${mac.slice(1)}`,
      `?exp=${exp}&sig=${holder}.${mac}.x`,
      `?exp=${exp}&sig=msg_1.${mac}`,
      `?exp=${exp}&sig[a]=${holder}.${mac}`,
      '?exp=NaN&sig=.',
      `?exp=${'9'.repeat(5000)}&sig=${'x'.repeat(5000)}`,
    ]) {
      await expectGone(path() + query);
      await expectGone(`/api/images/${other.filename}?exp=${exp}&sig=${holder}.${mac}`);
    }
  });

  it.each([
    ['leads elsewhere', '..%2F..%2F..%2Fetc%2Fpasswd'],
    ['leads to another folder', '..%2Fincoming%2Fx'],
    ['has a NUL', '%00'],
    ['never was', '000000000000000000000000.webp'],
    ['is long', 'x'.repeat(5000)],
    ['is no text', '%E0%A4%A'],
  ])('answers a name that %s with 404', async (_what, name) => {
    for (const query of ['', '?exp=9999999999999&sig=upload.AAAAAAAAAAAAAAAAAAAAAA', `?token=${alice.token}`]) {
      expectError(await app.call('get', `/api/images/${name}${query}`), 404, 'NotFoundError');
    }
  });

  it('has a rate limit of its own, by address', async () => {
    await app.close();
    app = await ImagesApp.start({
      MEDIA_RATE_LIMIT_PER_SECOND: '2',
      RATE_LIMIT_PER_SECOND: '1',
      RATE_LIMIT_BURST: '4',
    });
    image = await app.upload(await app.accounts.register('alice'));
    for (let i = 0; i < 4; i++) {
      const { headers } = await app.call('get', image.link).expect(200);
      expect(headers).toMatchObject({ 'ratelimit-limit': '4', 'ratelimit-remaining': String(3 - i) });
    }
    const refused = await app.call('get', image.link);
    expectError(refused, 429, 'RateLimitError');
    expect(refused.headers['retry-after']).toBe('1');
    await app.call('get', '/api/users').expect(401);
  });
});

describe('a signed link', () => {
  it('of an upload ends with the unused image', async () => {
    app.accounts.clock.advance(HOUR_MS - 1);
    await app.call('get', image.link).expect(200);
    app.accounts.clock.advance(1);
    await expectGone(image.link);
    await expectGone(path(), alice.token);
  });

  it('of a message opens the image as long as the message stands', async () => {
    const { holders } = shows('msg_1', 'msg_2', 'msg_3');
    const [first, second, third] = [linkFor('msg_1', 5000), linkFor('msg_2', 5000), linkFor('msg_3', 5000)];
    await expectGone(first);
    await show('msg_1', 5000);
    await show('msg_2', 5000);
    await show('msg_3', 5000);
    await app.call('get', first).expect(200);
    await app.call('get', third).expect(200);
    // Its message is gone, though the file was not released for it.
    holders.delete('msg_3');
    await expectGone(third);
    await app.attachments.release(image.filename, 'msg_1');
    await expectGone(first);
    await app.call('get', second).expect(200);
    app.accounts.clock.advance(5000);
    await expectGone(second);
  });

  it('ends with what it was signed for though its message lives on, and after a day at the latest', async () => {
    shows('msg_1');
    await show('msg_1', 3 * DAY_MS);
    const [short, long] = [linkFor('msg_1', 1000), linkFor('msg_1', 3 * DAY_MS)];
    app.accounts.clock.advance(1000);
    await expectGone(short);
    app.accounts.clock.advance(DAY_MS - 1001);
    await app.call('get', long).expect(200);
    app.accounts.clock.advance(1);
    await expectGone(long);
    await app.call('get', linkFor('msg_1', 3 * DAY_MS)).expect(200);
  });

  it('speaks of PUBLIC_URL where that is set, and never of the host of a request', async () => {
    await app.close();
    app = await ImagesApp.start({ PUBLIC_URL: 'https://chat.example.com/mayfly/' });
    const { token } = await app.accounts.register('alice');
    const { body } = await app
      .post({ token }, await picture(20, 20).jpeg().toBuffer())
      .set('Host', 'evil.example.com')
      .expect(200);
    expect(body.imageUrl).toMatch(/^https:\/\/chat\.example\.com\/mayfly\/api\/images\/[0-9a-f]{24}\.webp\?exp=/);
  });
});

describe('the file of an image', () => {
  it('goes when nobody has used it in time', async () => {
    expect(app.files()).toEqual([`blobs/${image.filename}`]);
    await app.pass(HOUR_MS - 1);
    expect(app.files()).toHaveLength(1);
    await app.pass(1);
    expect(app.files()).toEqual([]);
  });

  it('lives as long as the last message that shows it, and goes with it', async () => {
    await show('msg_1', 2 * HOUR_MS);
    await show('msg_2', 3 * HOUR_MS);
    await app.pass(2 * HOUR_MS);
    expect(app.files()).toHaveLength(1);
    await app.attachments.release(image.filename, 'msg_2');
    await app.attachments.settled();
    expect(app.files()).toEqual([]);
    await expectGone(image.link);
  });

  it('goes with its uploader', async () => {
    await show('msg_1', HOUR_MS);
    const bobs = await app.upload(bob);
    await app.accounts.call('delete', '/api/users/me', alice.token).expect(204);
    await app.accounts.nest.get(AttachmentsService).settled();
    expect(app.files()).toEqual([`blobs/${bobs.filename}`]);
    await expectGone(image.link);
  });

  it('can be used by its uploader only', async () => {
    const reference = { holder: 'msg_1', roomId: 'room', expiresAt: app.accounts.clock.now() + 1000 };
    expect(() => app.attachments.refer(bob.id, image.filename, reference)).toThrow('no such file');
    expect(() => app.attachments.refer(alice.id, '../x', reference)).toThrow('no such file');
    expect(() => app.attachments.refer(alice.id, `${'0'.repeat(24)}.webp`, reference)).toThrow('no such file');
  });
});
