import sharp from 'sharp';
import { expectError, type Person } from '../support/accounts-app';
import { ImagesApp } from '../support/images-app';
import {
  animation,
  blackPng,
  colourAt,
  endlessGif,
  look,
  NEEDLE,
  photoWithSecrets,
  picture,
} from '../support/pictures';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>';
const HTML = '<!doctype html><script>alert(1)</script>';

let app: ImagesApp;
let alice: Person;

const bytesOf = async (url: string): Promise<Buffer> => {
  const { pathname, search } = new URL(url);
  const { body } = await app.call('get', pathname + search).expect(200);
  return body as Buffer;
};

beforeAll(async () => {
  app = await ImagesApp.start({ UPLOADS_PER_MINUTE: '10000' });
  alice = await app.accounts.register('alice');
});

afterAll(() => app.close());

describe('POST /api/images/upload', () => {
  it('answers with an image that its link serves', async () => {
    const { body } = await app.post(alice, await picture(60, 40).png().toBuffer(), 'cat.png').expect(200);
    expect(body).toEqual({
      success: true,
      message: expect.any(String),
      imageUrl: expect.stringMatching(/^http:\/\/localhost:\d+\/api\/images\/[0-9a-f]{24}\.webp\?exp=\d+&sig=\S+$/),
      filename: expect.stringMatching(/^[0-9a-f]{24}\.webp$/),
      width: 60,
      height: 40,
      size: expect.any(Number),
      mimeType: 'image/webp',
      expiresAt: new Date(app.accounts.clock.now() + 3_600_000).toISOString(),
    });
    const bytes = await bytesOf(body.imageUrl);
    expect(bytes).toHaveLength(body.size);
    expect(await look(bytes)).toMatchObject({ format: 'webp', width: 60, height: 40, metadata: [] });
    expect((await colourAt(bytes, 2, 20))[0]).toBeGreaterThan(200);
  });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('takes %s, whatever name and type it is given', async (format) => {
    const bytes = await picture(20, 10)[format]().toBuffer();
    const call = app.call('post', '/api/images/upload', alice.token);
    const { body } = await call.attach('image', bytes, { filename: 'x.exe', contentType: 'text/html' }).expect(200);
    expect(body).toMatchObject({ width: 20, height: 10, mimeType: 'image/webp' });
  });

  it('fits a large image into the box and leaves a small one as it is', async () => {
    const { body: large } = await app.post(alice, await picture(2000, 1000).jpeg().toBuffer()).expect(200);
    expect(large).toMatchObject({ width: 1280, height: 640 });
    const { body: tall } = await app.post(alice, await picture(500, 4000).jpeg().toBuffer()).expect(200);
    expect(tall).toMatchObject({ width: 160, height: 1280 });
    const { body: thin } = await app.post(alice, await picture(1, 9000).png().toBuffer()).expect(200);
    expect(thin).toMatchObject({ width: 1, height: 1280 });
  });

  it('turns a photo upright and takes place, maker and comments out', async () => {
    const photo = await photoWithSecrets(200, 100);
    expect(photo.includes(NEEDLE)).toBe(true);
    expect((await look(photo)).metadata).not.toEqual([]);
    const { body } = await app.post(alice, photo).expect(200);
    expect(body).toMatchObject({ width: 100, height: 200 });
    const bytes = await bytesOf(body.imageUrl);
    expect(bytes.includes(NEEDLE)).toBe(false);
    expect((await look(bytes)).metadata).toEqual([]);
    // What was left, and red, is on top now.
    expect((await colourAt(bytes, 50, 20))[0]).toBeGreaterThan(200);
    expect((await colourAt(bytes, 50, 180))[2]).toBeGreaterThan(200);
  });

  it.each(['gif', 'webp'] as const)('keeps an animation in %s moving', async (format) => {
    const { body } = await app.post(alice, await animation(format, 30, 20, 7)).expect(200);
    expect(body).toMatchObject({ width: 30, height: 20 });
    expect(await look(await bytesOf(body.imageUrl))).toMatchObject({ format: 'webp', pages: 7, metadata: [] });
  });

  it('fits each frame of a large animation', async () => {
    const { body } = await app.post(alice, await animation('gif', 1600, 800, 3)).expect(200);
    expect(body).toMatchObject({ width: 1280, height: 640 });
    expect((await look(await bytesOf(body.imageUrl))).pages).toBe(3);
  });

  it('takes a file that is an image and something else, and keeps the image only', async () => {
    const jpeg = await picture(20, 20).jpeg().toBuffer();
    const gif = await picture(20, 20).gif().toBuffer();
    for (const polyglot of [
      Buffer.concat([jpeg, Buffer.from(`PK\x03\x04${HTML}`)]),
      Buffer.concat([gif, Buffer.from(HTML)]),
    ]) {
      const { body } = await app.post(alice, polyglot).expect(200);
      expect((await bytesOf(body.imageUrl)).includes('alert')).toBe(false);
    }
  });

  it('drops fields that clients add', async () => {
    const photo = await picture(20, 20).jpeg().toBuffer();
    const call = app.call('post', '/api/images/upload', alice.token).field('roomId', 'x').field('__proto__', 'x');
    await call.attach('image', photo, 'a.jpg').expect(200);
  });

  it.each([
    ['that leads elsewhere', '../../../../tmp/evil.webp'],
    ['that leads elsewhere on Windows', '..\\..\\evil.webp'],
    ['with NUL written out', 'a%00b.webp'],
    ['that is long', `${'x'.repeat(4000)}.png`],
    ['in many scripts', 'ünï 🐱.jpg'],
  ])('does not look at a name %s', async (_what, name) => {
    const before = app.files().length;
    const { body } = await app.post(alice, await picture(20, 20).jpeg().toBuffer(), name).expect(200);
    expect(body.filename).toMatch(/^[0-9a-f]{24}\.webp$/);
    expect(app.files()).toHaveLength(before + 1);
    expect(app.files()).toContain(`blobs/${body.filename}`);
  });
});

describe('an upload is refused and leaves nothing behind', () => {
  let before: string[];

  beforeEach(() => {
    before = app.files();
  });

  afterEach(async () => {
    expect(app.files()).toEqual(before);
    expect(app.descriptors()).toEqual([]);
  });

  it('when it is no image, whatever it calls itself', async () => {
    const zip = Buffer.from('504b0506000000000000000000000000000000000000', 'hex');
    const pdf = '%PDF-1.7\n1 0 obj\n<<>>\nendobj\n';
    const tiff = await picture(9, 9).tiff().toBuffer();
    const avif = await picture(9, 9).avif().toBuffer();
    for (const bytes of [SVG, `<?xml version="1.0"?>${SVG}`, HTML, 'text', zip, pdf, '\x7fELF', tiff, avif]) {
      expectError(await app.post(alice, bytes, 'photo.png'), 415, 'UnsupportedMediaTypeError');
    }
  });

  it('when it is empty', async () => {
    expectError(await app.post(alice, ''), 400, 'ValidationError', 'The file is empty');
  });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('when it is a %s that was cut off', async (format) => {
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 };
    const bytes = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red', noise } })
      [format]()
      .toBuffer();
    for (const part of [0.5, 0.9]) {
      expectError(await app.post(alice, bytes.subarray(0, bytes.length * part)), 400, 'ValidationError');
    }
    expectError(await app.post(alice, bytes.subarray(0, 20)), 400, 'ValidationError');
  });

  it('when its bytes only begin like an image', async () => {
    for (const head of ['\x89PNG\r\n\x1a\n', '\xff\xd8\xff\xe0', 'GIF89a', 'RIFF\x24\0\0\0WEBPVP8 ']) {
      const response = await app.post(alice, Buffer.from(head + HTML, 'latin1'));
      expect([400, 415]).toContain(response.status);
    }
  });

  it('when it has more pixels or frames than may be decoded, at once', async () => {
    const [huge, long] = [blackPng(16_000, 16_000), await animation('gif', 1000, 1000, 60)];
    const started = performance.now();
    const responses = await Promise.all([
      ...Array.from({ length: 8 }, () => app.post(alice, huge)),
      app.post(alice, endlessGif(10_000)),
      app.post(alice, long),
    ]);
    for (const response of responses) {
      expectError(response, 413, 'PayloadTooLargeError');
    }
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('when it is larger than it may be', async () => {
    const response = await app.post(alice, Buffer.alloc(2 * 1024 * 1024 + 1));
    expectError(response, 413, 'PayloadTooLargeError', 'The file is too large');
    const endless = await app.call('post', '/api/images/upload', alice.token).set('Content-Length', String(10 ** 9));
    expectError(endless, 413, 'PayloadTooLargeError', 'The file is too large');
  });

  it('when the form is not as it must be', async () => {
    const photo = await picture(20, 20).jpeg().toBuffer();
    const call = () => app.call('post', '/api/images/upload', alice.token);
    expectError(await app.post(alice, photo, 'a.jpg', 'file'), 400, 'ValidationError');
    expectError(await app.post(alice, photo).attach('image', photo, 'b.jpg'), 400, 'ValidationError');
    expectError(await call().field('image', 'text'), 400, 'ValidationError', 'image must be a file');
    expectError(await call().send({ image: 'x' }), 415, 'UnsupportedMediaTypeError');
    expectError(await call(), 415, 'UnsupportedMediaTypeError');
    const typed = (type: string, body: string) => call().set('Content-Type', type).send(body);
    expectError(await typed('multipart/form-data', 'x'), 400, 'ValidationError');
    expectError(await typed('multipart/form-data; boundary=x', '--x\r\nnonsense'), 400, 'ValidationError');
    const form = app.post(alice, photo);
    for (let i = 0; i < 30; i++) {
      form.field(`field${i}`, 'x');
    }
    expectError(await form, 400, 'ValidationError');
    expectError(await app.post(alice, photo).field('long', 'x'.repeat(20_000)), 413, 'PayloadTooLargeError');
  });

  it('when its name has a NUL, or is none', async () => {
    const photo = await picture(20, 20).jpeg().toBuffer();
    expectError(await app.post(alice, photo, 'a\0b.webp'), 400, 'ValidationError');
    expectError(await app.post(alice, photo, '..'), 400, 'ValidationError');
  });

  it('when the caller is nobody, or a guest', async () => {
    const photo = await picture(20, 20).jpeg().toBuffer();
    expectError(await app.post({}, photo), 401, 'AuthenticationError');
    expectError(await app.post(await app.accounts.createGuest(), photo), 403, 'AuthorizationError');
  });
});
