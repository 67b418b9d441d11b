import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import { ImageProcessor, MAX_WAITING } from '../../src/attachments/image-processor';
import { expectError, type Person } from '../support/accounts-app';
import { eventually, ImagesApp } from '../support/images-app';
import { picture } from '../support/pictures';

let app: ImagesApp;
let alice: Person;
let photo: Buffer;

beforeAll(async () => {
  photo = await picture(3000, 2000).png().toBuffer();
});

beforeEach(async () => {
  app = await ImagesApp.start();
  alice = await app.accounts.register('alice');
});

afterEach(() => app.close());

const HEAD = '--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n';
const TAIL = '\r\n--x--\r\n';

/** An upload whose body the test sends by itself. */
function open(headers: Record<string, string> = {}): ClientRequest {
  const call = request(`${app.url}/api/images/upload`, {
    method: 'POST',
    agent: false,
    headers: { Authorization: `Bearer ${alice.token}`, 'Content-Type': 'multipart/form-data; boundary=x', ...headers },
  });
  return call.on('error', () => undefined);
}

const nothingIsLeft = async (): Promise<void> => {
  await eventually(() => app.files().length === 0 && app.descriptors().length === 0);
  expect(await app.attachments.totals()).toEqual({ count: 0, bytes: 0 });
};

describe('an upload that is broken off', () => {
  it('in the middle of the file leaves no file and no descriptor', async () => {
    const calls = Array.from({ length: 5 }, () => open());
    for (const call of calls) {
      call.write(HEAD);
      call.write(Buffer.alloc(200_000));
    }
    await eventually(() => app.files().length === calls.length);
    expect(app.descriptors().length).toBeGreaterThan(0);
    calls.forEach((call) => call.destroy());
    await nothingIsLeft();
  });

  it('before its file, or by the end of the form, leaves nothing either', async () => {
    const early = open();
    early.write(HEAD.slice(0, 20));
    const late = open();
    late.write(HEAD);
    late.end(photo.subarray(0, 1000));
    const [response] = await once(late, 'response');
    expect(response.statusCode).toBe(400);
    early.destroy();
    await nothingIsLeft();
  });

  it('while the image is processed leaves nothing', async () => {
    const call = open();
    call.write(HEAD);
    call.write(photo);
    call.end(TAIL);
    await eventually(() => app.accounts.nest.get(ImageProcessor).pid !== undefined);
    expect(app.files()).not.toEqual([]);
    call.destroy();
    await nothingIsLeft();
  });

  it('goes on for ever is cut off', async () => {
    const call = open();
    call.write(HEAD);
    const send = (): boolean => call.write(Buffer.alloc(65_536), () => call.destroyed || send());
    send();
    await new Promise((resolve) => call.once('close', resolve));
    await nothingIsLeft();
  });
});

describe('uploads', () => {
  const post = () => app.post(alice, photo);

  it('are limited a minute by user, before anything is read', async () => {
    await app.close();
    app = await ImagesApp.start({ UPLOADS_PER_MINUTE: '2' });
    alice = await app.accounts.register('alice');
    expect((await app.post(alice, '')).headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': '1' });
    await app.post(alice, '').expect(400);
    const refused = await post();
    expectError(refused, 429, 'RateLimitError');
    expect(refused.headers).toMatchObject({ 'retry-after': '30', 'ratelimit-remaining': '0' });
    await app.post(await app.accounts.register('bob'), '').expect(400);
    app.accounts.clock.advance(30_000);
    await post().expect(200);
  });

  it('are refused where the user, or the disk, is full, until something has expired', async () => {
    await app.close();
    app = await ImagesApp.start({ UPLOADS_MAX_BYTES: '1048576', UPLOADS_MAX_BYTES_PER_USER: '1048576' });
    alice = await app.accounts.register('alice');
    const keeper = await app.attachments.reserve('keeper', 1_048_576 - 4096);
    const small = await picture(20, 20).jpeg().toBuffer();
    await app.post(alice, small).expect(200);
    expectError(await app.post(alice, small), 503, 'CapacityError');
    expect(app.files()).toHaveLength(1);
    await app.pass(3_600_000);
    await app.post(alice, small).expect(200);
    await app.attachments.cancel(keeper);
  });

  it('beyond a queue of bounded length are refused, and the others done one after the other', async () => {
    await app.close();
    app = await ImagesApp.start({ UPLOADS_PER_MINUTE: '1000' });
    alice = await app.accounts.register('alice');
    const responses = await Promise.all(Array.from({ length: MAX_WAITING + 20 }, post));
    const refused = responses.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    refused.forEach((response) => expectError(response, 503, 'CapacityError'));
    const done = responses.filter(({ status }) => status === 200);
    expect(done.length + refused.length).toBe(responses.length);
    expect(app.files().sort()).toEqual(done.map(({ body }) => `blobs/${body.filename}`).sort());
  }, 60_000);
});
