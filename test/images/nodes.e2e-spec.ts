import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request, { type Test as Call } from 'supertest';
import { AttachmentsService } from '../../src/attachments/attachments.service';
import { UploadsJob } from '../../src/attachments/uploads-job.service';
import { type Account, register } from '../support/clients';
import { blackPng, endlessGif, picture } from '../support/pictures';
import { describeRedis } from '../support/redis-server';
import { until } from '../support/until';
import { TestNodes } from '../nodes/test-nodes';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>';

describeRedis('Images on two nodes', (server) => {
  const folder = join(tmpdir(), `mayfly-shared-${randomUUID()}`);
  let nodes: TestNodes;
  let alice: Account;

  beforeAll(async () => {
    await mkdir(folder, { recursive: true });
    nodes = await TestNodes.start(2, server, {
      UPLOAD_DIR: folder,
      UPLOADS_PER_MINUTE: '50',
      UPLOADS_MAX_BYTES_PER_USER: '1048576',
      IMAGE_TTL_MS: '60000',
    });
    alice = await register(nodes.url(0), 'alice');
  });

  afterAll(async () => {
    await nodes.close();
    await rm(folder, { recursive: true });
  });

  const blobs = (): string[] => readdirSync(join(folder, 'blobs'));

  const post = (node: number, { token }: Account, bytes: Buffer): Call =>
    request(nodes.url(node))
      .post('/api/images/upload')
      .set('Authorization', `Bearer ${token}`)
      .attach('image', bytes, 'photo.jpg');

  const upload = async (node: number, who: Account): Promise<{ filename: string; link: string }> => {
    const { body } = await post(node, who, await picture(40, 30).jpeg().toBuffer()).expect(200);
    const { pathname, search } = new URL(body.imageUrl as string);
    return { filename: body.filename as string, link: pathname + search };
  };

  it('serves on one what another took in, by link and to its uploader', async () => {
    const { filename, link } = await upload(0, alice);
    await request(nodes.url(1)).get(link).expect(200).expect('Content-Type', 'image/webp');
    const own = request(nodes.url(1)).get(`/api/images/${filename}`);
    await own.set('Authorization', `Bearer ${alice.token}`).expect(200);
    await request(nodes.url(1)).get(`/api/images/${filename}`).expect(404);
    expect(blobs()).toContain(filename);
  });

  it('refuses hostile files as on one node, and keeps nothing of them', async () => {
    const before = blobs();
    const jpeg = await picture(60, 40).jpeg().toBuffer();
    const hostile: [Buffer, number][] = [
      [Buffer.from(SVG), 415],
      [Buffer.from('<!doctype html><script>alert(1)</script>'), 415],
      [Buffer.alloc(0), 400],
      [jpeg.subarray(0, jpeg.length / 2), 400],
      [Buffer.alloc(2 * 1024 * 1024 + 1), 413],
      [blackPng(16_000, 16_000), 413],
      [endlessGif(10_000), 413],
    ];
    const answers = await Promise.all(hostile.map(([bytes], i) => post(i % 2, alice, bytes)));
    expect(answers.map(({ status }) => status)).toEqual(hostile.map(([, status]) => status));
    expect(blobs()).toEqual(before);
    expect(readdirSync(join(folder, 'incoming'))).toEqual([]);
  });

  it('keeps one quota of a user over both', async () => {
    const bob = await register(nodes.url(1), 'bob');
    const service = nodes.get(0, AttachmentsService);
    const rooms = await Promise.allSettled(
      [0, 1, 0, 1, 0].map((node) => nodes.get(node, AttachmentsService).reserve(bob.id, 500_000)),
    );
    const taken = rooms.flatMap((room) => (room.status === 'fulfilled' ? [room.value] : []));
    expect(taken).toHaveLength(2);
    await Promise.all(taken.map((room) => service.cancel(room)));
    await upload(1, bob);
  });

  it('erases with an account on one what it uploaded on the other', async () => {
    const carol = await register(nodes.url(0), 'carol');
    const { filename, link } = await upload(0, carol);
    await request(nodes.url(1)).delete('/api/users/me').set('Authorization', `Bearer ${carol.token}`).expect(204);
    await request(nodes.url(0)).get(link).expect(404);
    await until(() => !blobs().includes(filename));
  });

  it('lets either node delete what a killed one left', async () => {
    const { filename } = await upload(0, alice);
    const orphan = '0123456789abcdef01234567.webp';
    await writeFile(join(folder, 'blobs', orphan), 'x');
    expect(await nodes.get(1, UploadsJob).run(0)).toBe(1);
    expect(blobs()).not.toContain(orphan);
    expect(blobs()).toContain(filename);
  });
});
