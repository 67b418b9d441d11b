import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Awaitable } from '../../src/common/awaitable';
import type { BlobStore } from '../../src/attachments/blob-store';

export interface BlobStoreKit {
  readonly store: BlobStore;
  /** Everything that the store keeps on this machine, temporary files too; nothing for one that keeps it elsewhere. */
  files(): Awaitable<string[]>;
}

const NOT_NAMES = [
  '',
  '.',
  '..',
  '../x0000000000000000.webp',
  '/etc/passwd0000000000.webp',
  'a/b00000000000000000.webp',
  'a\\b00000000000000000.webp',
  'nul\x00000000000000000.webp',
  '0123456789abcdef.webp\0',
  '0123456789abcdef.webp\n',
  '0123456789abcdef',
  '0123456789abcdef.',
  '0123456789abcdef.we.bp',
  '.0123456789abcdef.webp',
  'short.webp',
  `${'x'.repeat(200)}.webp`,
];

/** What every driver of `BlobStore` promises. */
export function blobStoreContract(makeKit: () => Awaitable<BlobStoreKit>): void {
  let store: BlobStore;
  let files: BlobStoreKit['files'];
  let folder: string;
  let names = 0;

  beforeEach(async () => {
    ({ store, files } = await makeKit());
    await store.prepare();
    folder = await mkdtemp(join(tmpdir(), 'mayfly-blobs-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const newName = (): string => `${String(names++).padStart(24, '0')}.webp`;
  const newFile = async (content: string): Promise<string> => {
    const path = join(folder, `${names++}`);
    await writeFile(path, content);
    return path;
  };
  const read = async (name: string): Promise<string | undefined> => {
    const blob = await store.open(name);
    const bytes = blob && (await buffer(blob.stream));
    expect(bytes?.length).toBe(blob?.size);
    return bytes?.toString();
  };
  const list = async (ageMs: number): Promise<string[]> => {
    const found: string[] = [];
    for await (const name of store.listOlderThan(ageMs)) {
      found.push(name);
    }
    return found.sort();
  };

  it('gives back what it was given, as a file or as a stream', async () => {
    const [first, second, empty] = [newName(), newName(), newName()];
    const path = await newFile('one');
    await store.putFile(first, path);
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await store.putStream(second, Readable.from([Buffer.from('tw'), Buffer.from('o')]));
    await store.putStream(empty, Readable.from([]));
    expect([await read(first), await read(second), await read(empty)]).toEqual(['one', 'two', '']);
  });

  it('has nothing under a name that was never stored, or was deleted', async () => {
    const name = newName();
    expect(await store.open(name)).toBeUndefined();
    await store.putFile(name, await newFile('x'));
    await store.delete(name);
    await store.delete(name);
    expect(await store.open(name)).toBeUndefined();
    expect(await list(0)).toEqual([]);
  });

  it('lets who reads a blob read on when it is deleted', async () => {
    const name = newName();
    await store.putFile(name, await newFile('still here'));
    const blob = await store.open(name);
    await store.delete(name);
    expect(blob && (await buffer(blob.stream)).toString()).toBe('still here');
  });

  it.each(NOT_NAMES)('takes no blob under %j, and has none', async (name) => {
    const path = await newFile('x');
    await expect(store.putFile(name, path)).rejects.toThrow();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(store.putStream(name, Readable.from(['x']))).rejects.toThrow();
    expect(await store.open(name)).toBeUndefined();
    await store.delete(name);
    expect(await files()).toEqual([]);
  });

  it('keeps nothing of what breaks off', async () => {
    const name = newName();
    const content = Readable.from(
      (async function* () {
        yield Buffer.alloc(100_000);
        throw new Error('broken off');
      })(),
    );
    await expect(store.putStream(name, content)).rejects.toThrow('broken off');
    await expect(store.putFile(name, join(folder, 'absent'))).rejects.toThrow();
    expect(await store.open(name)).toBeUndefined();
    expect(await files()).toEqual([]);
  });

  it('lists blobs by age', async () => {
    const stored = [newName(), newName(), newName()];
    for (const name of stored) {
      await store.putFile(name, await newFile('x'));
    }
    expect(await list(0)).toEqual(stored);
    expect(await list(60_000)).toEqual([]);
  });
}
