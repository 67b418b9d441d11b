import { createWriteStream } from 'node:fs';
import { open, opendir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/app-config';
import { BlobStore, isBlobName, type OpenedBlob } from './blob-store';
import { ignoreAbsent, isOlderThan, makeFolder, Scratch } from './scratch';

const FOLDER = 'blobs';

/**
 * One file a blob, in a folder of its own below `UPLOAD_DIR`, so that no file of somebody else is ever taken for a
 * blob. Files come by rename from `Scratch`, which is in the same file system.
 */
@Injectable()
export class DiskBlobStore extends BlobStore {
  private readonly folder: string;

  constructor(
    config: AppConfig,
    private readonly scratch: Scratch,
  ) {
    super();
    this.folder = resolve(config.env.UPLOAD_DIR, FOLDER);
  }

  override async prepare(): Promise<void> {
    await makeFolder(this.folder);
  }

  override async putFile(name: string, path: string): Promise<void> {
    try {
      await rename(path, this.path(name));
    } catch (error) {
      await this.scratch.discard(path);
      throw error;
    }
  }

  override async putStream(name: string, content: Readable): Promise<void> {
    const path = this.scratch.newPath();
    try {
      await pipeline(content, createWriteStream(path));
    } catch (error) {
      await this.scratch.discard(path);
      throw error;
    }
    await this.putFile(name, path);
  }

  override async open(name: string): Promise<OpenedBlob | undefined> {
    if (!isBlobName(name)) {
      return undefined;
    }
    const file = await open(this.path(name)).catch(ignoreAbsent);
    if (!file) {
      return undefined;
    }
    try {
      const { size } = await file.stat();
      return { size, stream: file.createReadStream() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  override async delete(name: string): Promise<void> {
    if (isBlobName(name)) {
      await rm(this.path(name), { force: true });
    }
  }

  override async *listOlderThan(ageMs: number): AsyncIterable<string> {
    for await (const { name } of await opendir(this.folder)) {
      if (isBlobName(name) && (await isOlderThan(join(this.folder, name), ageMs))) {
        yield name;
      }
    }
  }

  private path(name: string): string {
    if (!isBlobName(name)) {
      throw new Error('Not a name of a blob');
    }
    return join(this.folder, name);
  }
}
