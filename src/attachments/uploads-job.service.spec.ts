import { Logger } from '@nestjs/common';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeKit } from '../../test/contract/store-kit';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';
import { AttachmentsService } from './attachments.service';
import { DiskBlobStore } from './disk-blob.store';
import { MemoryAttachmentStore } from './memory-attachment.store';
import { Scratch } from './scratch';
import { UploadsJob } from './uploads-job.service';

let folder: string;
let logged: jest.SpyInstance;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-uploads-'));
  logged = jest.spyOn(Logger.prototype, 'log').mockImplementation();
});

afterEach(async () => {
  logged.mockRestore();
  await rm(folder, { recursive: true });
});

async function uploads() {
  const { clock, local, expiry } = storeKit();
  const config = AppConfig.from({ UPLOAD_DIR: folder });
  const ids = new Ids();
  const scratch = new Scratch(config, ids);
  const blobs = new DiskBlobStore(config, scratch);
  await scratch.prepare();
  await blobs.prepare();
  const store = new MemoryAttachmentStore(clock, local);
  const attachments = new AttachmentsService(store, blobs, clock, ids, config, expiry);
  return { clock, expiry, ids, scratch, blobs, store, attachments, job: new UploadsJob(attachments, blobs, scratch) };
}

type Uploads = Awaited<ReturnType<typeof uploads>>;

const HOUR_MS = 3_600_000;
const filesIn = (name: string): Promise<string[]> => readdir(join(folder, name));

async function orphan({ blobs, scratch, ids }: Uploads, ageS = 3600): Promise<string> {
  const [name, path] = [`${ids.id()}.webp`, scratch.newPath()];
  await writeFile(path, 'x');
  await blobs.putFile(name, path);
  const then = Date.now() / 1000 - ageS;
  await utimes(join(folder, 'blobs', name), then, then);
  return name;
}

async function kept({ attachments, scratch, ids }: Uploads): Promise<string> {
  const room = await attachments.reserve('alice', 1);
  const [filename, path] = [`${ids.id()}.webp`, scratch.newPath()];
  await writeFile(path, 'x');
  const file = { filename, path, size: 1, mimeType: 'image/webp', width: 1, height: 1, unusedMs: HOUR_MS };
  await attachments.keep(room, file);
  return filename;
}

describe('the job that looks for unused files', () => {
  it('deletes what nothing refers to and leaves everything else, and logs counts', async () => {
    const all = await uploads();
    const living = await kept(all);
    for (let i = 0; i < 300; i++) {
      await orphan(all);
    }
    const young = await orphan(all, 1);
    const abandoned = all.scratch.newPath();
    await writeFile(abandoned, 'x');
    await utimes(abandoned, 0, 0);
    all.job.addCounts(() => ({ messages: 7 }));
    all.job.addCounts(() => Promise.resolve({ usersOnline: 2 }));
    expect(await all.job.run()).toBe(301);
    expect((await filesIn('blobs')).sort()).toEqual([living, young].sort());
    expect(await filesIn('incoming')).toEqual([]);
    const counts = { filesDeleted: 301, images: 1, bytes: 4096, messages: 7, usersOnline: 2 };
    expect(logged.mock.calls).toEqual([[counts, expect.any(String)]]);
    expect(await all.job.run(0)).toBe(1);
    expect(await filesIn('blobs')).toEqual([living]);
  });

  it('does not overlap itself', async () => {
    const all = await uploads();
    await orphan(all);
    expect(await Promise.all([all.job.run(), all.job.run()])).toEqual([1, 0]);
    expect(await all.job.run()).toBe(0);
  });

  it('deletes nothing while it is not known what is used', async () => {
    const all = await uploads();
    await orphan(all);
    const failing = jest.spyOn(all.store, 'filterUnknown').mockImplementation(() => {
      throw new Error('down');
    });
    await expect(all.job.run()).rejects.toThrow('down');
    expect(await filesIn('blobs')).toHaveLength(1);
    failing.mockRestore();
    expect(await all.job.run()).toBe(1);
  });

  it('finds a file that could not be deleted in its time', async () => {
    const all = await uploads();
    const name = await kept(all);
    const warned = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    const failing = jest.spyOn(all.blobs, 'delete').mockRejectedValue(Object.assign(new Error(name), { code: 'EIO' }));
    all.clock.advance(HOUR_MS);
    await all.expiry.tick();
    await all.attachments.settled();
    expect(await filesIn('blobs')).toEqual([name]);
    expect(await all.attachments.find(name)).toBeUndefined();
    expect(JSON.stringify(warned.mock.calls)).not.toContain(name);
    failing.mockRestore();
    warned.mockRestore();
    expect(await all.job.run(0)).toBe(1);
    expect(await filesIn('blobs')).toEqual([]);
  });
});

describe('keeping a file', () => {
  const file = (path: string) => ({
    filename: '0123456789abcdef01234567.webp',
    path,
    size: 1,
    mimeType: 'image/webp',
    width: 1,
    height: 1,
    unusedMs: HOUR_MS,
  });

  it('fails without a trace where its bytes cannot be stored', async () => {
    const { attachments, scratch } = await uploads();
    const room = await attachments.reserve('alice', 1);
    await expect(attachments.keep(room, file(scratch.newPath()))).rejects.toThrow('ENOENT');
    expect(await attachments.totals()).toEqual({ count: 0, bytes: 0 });
  });

  it('fails without a trace where its owner is erased meanwhile', async () => {
    const { attachments, blobs, scratch } = await uploads();
    const [room, path] = [await attachments.reserve('alice', 1), scratch.newPath()];
    await writeFile(path, 'x');
    const put = blobs.putFile.bind(blobs);
    jest.spyOn(blobs, 'putFile').mockImplementation(async (name, from) => {
      await attachments.eraseOwned('alice');
      await attachments.settled();
      await put(name, from);
    });
    await expect(attachments.keep(room, file(path))).rejects.toMatchObject({ code: 'NotFoundError' });
    expect(await filesIn('blobs')).toEqual([]);
    expect(await filesIn('incoming')).toEqual([]);
  });

  it('fails where it took longer than its reservation', async () => {
    const { attachments, clock, scratch } = await uploads();
    const room = await attachments.reserve('alice', 1);
    clock.advance(HOUR_MS);
    await expect(attachments.keep(room, file(scratch.newPath()))).rejects.toMatchObject({ code: 'CapacityError' });
  });
});
