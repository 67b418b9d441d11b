import { readdirSync } from 'node:fs';
import request from 'supertest';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { AppConfig } from '../../src/config/app-config';
import { ChatApp, expectRefusal } from '../support/chat-app';
import type { AckBody } from '../support/clients';
import { enter, freshToken, type Ghost, ghostSocket, heard, history } from '../support/ghosts';
import { animation, blackPng, look, NEEDLE, photoWithSecrets, picture } from '../support/pictures';

const BURN_MS = 30_000;
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

interface SentImage {
  id: string;
  filename: string;
  imageUrl: string;
  size: number;
  mimeType: string;
  dimensions: { width: number; height: number };
  name: string;
}

let chat: ChatApp;
let token: string;
let one: Ghost;
let two: Ghost;
let png: Buffer;

beforeAll(async () => {
  png = await picture(40, 30).png().toBuffer();
});

const start = async (settings: Record<string, string> = {}): Promise<void> => {
  chat = await ChatApp.start({ UPLOADS_PER_MINUTE: '1000', ...settings });
  token = freshToken(chat);
  one = await enter(chat.url, token, 'Ghost-1');
  two = await enter(chat.url, token, 'Ghost-2');
};

afterEach(() => chat.close());

const dataUrl = (bytes: Buffer, type = 'image/png'): string => `data:${type};base64,${bytes.toString('base64')}`;
/** What a page sends: the picture twice, and what it believes of it. */
const imageData = (bytes: Buffer, more: object = {}): object => ({
  id: 'img_1',
  name: 'holiday.png',
  data: dataUrl(bytes),
  size: 7,
  mimeType: 'image/png',
  dimensions: { width: 1, height: 1 },
  ...more,
});
const send = (ghost: Ghost, image: object, more: object = {}): Promise<AckBody> =>
  ghost.client.emit('send-image', { roomToken: token, imageData: image, sender: ghost.agentId, ...more });
const show = async (
  ghost: Ghost,
  bytes: Buffer,
  more: object = {},
): Promise<{ messageId: string; image: SentImage }> => {
  const ack = await send(ghost, imageData(bytes), more);
  expect(ack).toEqual({ success: true, messageId: expect.any(String), timestamp: expect.any(String) });
  const { messageId } = ack as AckBody & { messageId: string };
  const message = await two.client.next('new-message', ({ id }) => id === messageId);
  return { messageId, image: message.imageData as SentImage };
};
const load = (path: string) => request(chat.url).get(path).buffer(true);
const upload = (bytes: Buffer, fields: Record<string, string> = {}) =>
  request(chat.url).post('/ghost/api/upload-image').attach('image', bytes, 'x.png').field(fields);
/** Stored files. */
const files = async (): Promise<string[]> => {
  await chat.get(AttachmentsService).settled();
  const folder = chat.nest.get(AppConfig).env.UPLOAD_DIR;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
};

describe('a picture in an anonymous room', () => {
  beforeEach(() => start());

  it('comes to everyone with what it really is, and is in the history', async () => {
    const { messageId, image } = await show(one, png, { caption: 'c2VjcmV0', blob: png });
    expect(image).toEqual({
      id: image.filename.replace(/\.png$/, ''),
      name: 'holiday.png',
      filename: expect.stringMatching(/^msg_[0-9a-f]+_\d+_[a-z0-9]{24,}\.png$/),
      imageUrl: `/api/image/${image.filename}`,
      size: expect.any(Number),
      mimeType: 'image/png',
      dimensions: { width: 40, height: 30 },
    });
    const message = {
      id: messageId,
      type: 'image',
      imageData: image,
      caption: 'c2VjcmV0',
      sender: 'Ghost-1',
      timestamp: chat.iso(),
      ttl: 86_400,
      roomToken: token,
    };
    expect(await one.client.next('new-message')).toEqual(message);
    expect(await two.client.next('new-message')).toEqual(message);
    expect(await history(chat.url, token)).toEqual([message]);
    const { body, headers } = await load(`/ghost${image.imageUrl}`).expect(200);
    expect((body as Buffer).length).toBe(image.size);
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'cache-control': 'private, max-age=60',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    });
  });

  it('comes as the binary event that pages send, with the picture twice', async () => {
    const payload = { roomToken: token, imageData: { ...imageData(png), blob: png }, caption: '', sender: 'Ghost-1' };
    one.client.socket.emit('send-image', payload);
    const message = await two.client.next('new-message');
    expect(message).toMatchObject({ type: 'image', caption: '', imageData: { mimeType: 'image/png' } });
    expect(JSON.stringify(message)).not.toContain('base64');
  });

  it('keeps its format, its frames and nothing of what it tells of its owner', async () => {
    const photo = await photoWithSecrets(60, 40);
    const { image } = await show(one, photo);
    const { body } = await load(image.imageUrl).expect(200).expect('Content-Type', 'image/jpeg');
    expect(await look(body as Buffer)).toMatchObject({ format: 'jpeg', width: 40, height: 60, metadata: [] });
    expect((body as Buffer).includes(NEEDLE)).toBe(false);
    for (const format of ['gif', 'webp'] as const) {
      const shown = await show(one, await animation(format, 16, 16, 3));
      const loaded = await load(shown.image.imageUrl).expect('Content-Type', `image/${format}`);
      expect(await look(loaded.body as Buffer)).toMatchObject({ format, pages: 3, width: 16, height: 16 });
    }
    const large = await show(one, blackPng(5000, 20));
    expect(large.image.dimensions).toEqual({ width: 4096, height: 16 });
  });

  it('is what its bytes say, whatever is declared', async () => {
    const { image } = await show(one, await picture(8, 8).jpeg().toBuffer());
    expect(image).toMatchObject({ mimeType: 'image/jpeg', filename: expect.stringMatching(/\.jpg$/) });
    const junk: [Buffer | string, string][] = [
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'UnsupportedMediaTypeError'],
      [Buffer.from('GIF89a and no more'), 'ValidationError'],
      [png.subarray(0, 60), 'ValidationError'],
      [Buffer.alloc(0), 'ValidationError'],
      ['https://evil.example/x.png', 'ValidationError'],
      ['data:image/png,plain', 'ValidationError'],
      ['data:text/html;base64,PGI+', 'UnsupportedMediaTypeError'],
    ];
    for (const [bytes, code] of junk) {
      const data = typeof bytes === 'string' ? bytes : dataUrl(bytes);
      expectRefusal(await send(one, imageData(png, { data })), code);
    }
    expectRefusal(await send(one, imageData(blackPng(20_000, 20_000))), 'PayloadTooLargeError');
    expect(await history(chat.url, token)).toHaveLength(1);
    expect(await files()).toHaveLength(1);
  });

  it('may have 10 MB, and no more', async () => {
    const filled = Buffer.concat([png, Buffer.alloc(10 * MIB - png.length)]);
    expect((await send(one, imageData(filled))).success).toBe(true);
    expectRefusal(await send(one, imageData(Buffer.concat([filled, Buffer.alloc(1)]))), 'PayloadTooLargeError');
    expectRefusal(await send(one, imageData(png, { data: 'x'.repeat(15 * MIB) })), 'ValidationError');
  });

  it.each([
    ['neither data nor a filename', { data: undefined }],
    ['a number for data', { data: 7 }],
    ['a text for its size', { size: 'large' }],
    ['dimensions that are none', { dimensions: 'x' }],
    ['a name that is too long', { name: 'x'.repeat(256) }],
  ])('with %s is refused', async (_what, changes) => {
    expectRefusal(await send(one, imageData(png, changes)), 'ValidationError');
  });

  it('is only for who is in the room, under their own name', async () => {
    expectRefusal(await send({ ...one, agentId: 'Ghost-2' }, imageData(png)), 'AuthorizationError');
    const outside = await ghostSocket(chat.url);
    expectRefusal(await send({ ...one, client: outside }, imageData(png)), 'AuthorizationError');
    expect(await files()).toEqual([]);
  });

  it('goes with its message, file and all, at the second', async () => {
    const { messageId, image } = await show(one, png, { ttl: 20 });
    await chat.pass(1000);
    await load(image.imageUrl).expect('Cache-Control', 'private, max-age=19');
    await chat.pass(19_000);
    expect(await two.client.next('message-expired')).toEqual({ messageId });
    const { body } = await load(image.imageUrl).expect(404);
    expect(body).toMatchObject({ error: 'Image not found or expired' });
    expect(await files()).toEqual([]);
  });

  it('is loaded by nobody once its time has come, swept or not', async () => {
    const { image } = await show(one, png, { ttl: 5 });
    chat.stopSweeping();
    chat.clock.advance(5000);
    await load(image.imageUrl).expect(404).expect('Cache-Control', 'private, no-store');
  });

  it('burns with its message', async () => {
    const { messageId, image } = await show(one, png, { ttl: 0 });
    await load(image.imageUrl).expect(200).expect('Cache-Control', 'private, no-store');
    expect(await history(chat.url, token)).toEqual([]);
    await chat.pass(BURN_MS);
    expect(await two.client.next('message-expired')).toEqual({ messageId });
    await load(image.imageUrl).expect(404);
    expect(await files()).toEqual([]);
  });

  it('is deleted with its message by whoever knows its id', async () => {
    const { messageId, image } = await show(one, png);
    for (const name of ['x', `${image.id}x`, image.id.slice(0, -1), '..%2f..%2fetc']) {
      await request(chat.url).delete(`/api/image/${name}`).expect(404);
    }
    const { body } = await request(chat.url).delete(`/ghost/api/image/${image.id}`).expect(200);
    expect(body).toEqual({ success: true, imageId: image.id });
    await load(image.imageUrl).expect(404);
    expect(await history(chat.url, token)).toEqual([]);
    await chat.pass(0);
    expect(await two.client.next('message-expired')).toEqual({ messageId });
    expect(await one.client.next('message-expired')).toEqual({ messageId });
    expect(await files()).toEqual([]);
    await request(chat.url).delete(`/api/image/${image.id}`).expect(404);
  });

  it('counts as an upload of its address', async () => {
    await chat.close();
    await start({ UPLOADS_PER_MINUTE: '2' });
    expect((await send(one, imageData(png))).success).toBe(true);
    expect((await send(two, imageData(png))).success).toBe(true);
    expectRefusal(await send(one, imageData(png)), 'RateLimitError');
    await upload(png).expect(429);
  });
});

describe('an upload for an anonymous room', () => {
  beforeEach(() => start());

  it('is shown by a message, once', async () => {
    const { body } = await upload(png, { messageId: 'm-1', ttl: '60' }).expect(200);
    const { filename, imageId } = body as SentImage & { imageId: string };
    expect(body).toEqual({
      success: true,
      imageId: filename.replace('.png', ''),
      filename: expect.stringMatching(/^msg_m-1_\d+_[a-z0-9]{24,}\.png$/),
      imageUrl: `/api/image/${filename}`,
      size: expect.any(Number),
      mimeType: 'image/png',
    });
    await load(`/api/image/${filename}`).expect(200).expect('Cache-Control', 'private, max-age=60');
    const ack = await send(one, imageData(png, { data: undefined, filename }), { ttl: 600 });
    expect(ack.success).toBe(true);
    expect(await two.client.next('new-message')).toMatchObject({ imageData: { id: imageId, filename } });
    expectRefusal(await send(two, imageData(png, { data: undefined, filename })), 'NotFoundError');
    await chat.pass(599_000);
    await load(`/api/image/${filename}`).expect(200);
    await chat.pass(1000);
    await load(`/api/image/${filename}`).expect(404);
    expect(await files()).toEqual([]);
  });

  it('that no message shows goes after its time', async () => {
    const filename = ((await upload(png, { ttl: '60' }).expect(200)).body as SentImage).filename;
    const kept = ((await upload(png).expect(200)).body as SentImage).filename;
    await chat.pass(60_000);
    await load(`/api/image/${filename}`).expect(404);
    await load(`/api/image/${kept}`).expect(200);
    await chat.pass(DAY_MS);
    await load(`/api/image/${kept}`).expect(404);
    expect(await files()).toEqual([]);
  });

  it('with ttl 0 is gone soon after its first download', async () => {
    const { imageUrl } = (await upload(png, { ttl: '0' }).expect(200)).body as SentImage;
    await chat.pass(3_600_000);
    await load(imageUrl).expect(200).expect('Cache-Control', 'private, no-store');
    await chat.pass(BURN_MS - 1);
    await load(imageUrl).expect(200);
    await chat.pass(1);
    await load(imageUrl).expect(404);
    expect(await files()).toEqual([]);
  });

  it('is refused where it is none, or too large', async () => {
    await upload(Buffer.from('no picture')).expect(415);
    await upload(Buffer.alloc(10 * MIB + 1)).expect(413);
    await upload(png, { ttl: '-1' }).expect(400);
    await upload(png, { ttl: '604801' }).expect(400);
    await upload(png, { messageId: '../x' }).expect(400);
    await request(chat.url).post('/api/upload-image').expect(415);
    expect(await files()).toEqual([]);
  });

  it('is not what the chat has: neither serves the pictures of the other by name', async () => {
    const alice = await chat.register('alice');
    const { body } = await chat.api(alice, 'post', 'images/upload').attach('image', png, 'x.png').expect(200);
    await load(`/api/image/${body.filename as string}`).expect(404);
    await request(chat.url)
      .delete(`/api/image/${body.filename as string}`)
      .expect(404);
    const { filename } = (await upload(png).expect(200)).body as SentImage;
    await load(`/api/images/${filename}`).expect(404);
    expectRefusal(
      await send(one, imageData(png, { data: undefined, filename: body.filename as string })),
      'NotFoundError',
    );
    expect(heard(two).map(([event]) => event)).not.toContain('new-message');
  });
});
