import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskBlobStore } from '../../src/attachments/disk-blob.store';
import { Scratch } from '../../src/attachments/scratch';
import { Ids } from '../../src/common/ids';
import { AppConfig } from '../../src/config/app-config';
import { blobStoreContract } from './blob-store.suite';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-uploads-'));
});

afterEach(() => rm(folder, { recursive: true }));

async function diskKit() {
  const config = AppConfig.from({ UPLOAD_DIR: join(folder, 'up', 'loads') });
  const scratch = new Scratch(config, new Ids());
  const store = new DiskBlobStore(config, scratch);
  await scratch.prepare();
  await store.prepare();
  const files = async (): Promise<string[]> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  return { store, scratch, files };
}

describe('BlobStore on disk', () => {
  blobStoreContract(diskKit);

  it('does not take files of others for blobs', async () => {
    const { store, files } = await diskKit();
    const blobs = join(folder, 'up', 'loads', 'blobs');
    await writeFile(join(folder, 'up', 'loads', '5f3c9a1be07d42c68a90b1f2.webp'), 'x');
    await writeFile(join(blobs, 'notes.txt'), 'x');
    await mkdir(join(blobs, '5f3c9a1be07d42c68a90b1f3.webp'));
    for await (const name of store.listOlderThan(0)) {
      throw new Error(`${name} is no blob`);
    }
    expect(await files()).toHaveLength(2);
  });

  it('gives its folders to this user only', async () => {
    await diskKit();
    const { mode } = await stat(join(folder, 'up', 'loads', 'blobs'));
    expect(mode & 0o777).toBe(0o700);
  });
});

describe('Scratch', () => {
  it('sweeps what nobody has written to for a while', async () => {
    const { scratch, files } = await diskKit();
    const [old, fresh] = [scratch.newPath(), scratch.newPath()];
    await writeFile(old, 'x');
    await writeFile(fresh, 'x');
    const hourAgo = Date.now() / 1000 - 3600;
    await utimes(old, hourAgo, hourAgo);
    expect(await scratch.sweep(600_000)).toBe(1);
    expect(await files()).toHaveLength(1);
    await scratch.discard(fresh);
    await scratch.discard(fresh);
    expect(await files()).toEqual([]);
  });
});
