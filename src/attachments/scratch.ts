import { access, constants, mkdir, opendir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Ids } from '../common/ids';
import { AppConfig } from '../config/app-config';

const FOLDER = 'incoming';
/** Nobody but the user of this process reads what people upload. */
const FOLDER_MODE = 0o700;

/**
 * Files of this node that are on their way: uploads as they came, pictures as they are made. Whoever asks for a path
 * discards it; what a killed process left is swept.
 */
@Injectable()
export class Scratch {
  private readonly folder: string;

  constructor(
    config: AppConfig,
    private readonly ids: Ids,
  ) {
    this.folder = resolve(config.env.UPLOAD_DIR, FOLDER);
  }

  /** Makes the folder. @throws where it cannot be made, or written to */
  async prepare(): Promise<void> {
    await makeFolder(this.folder);
  }

  /** A path for a new file; there is none yet. */
  newPath(): string {
    return join(this.folder, this.ids.id());
  }

  /** Deletes a file; absent is fine. */
  async discard(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  /** Deletes what nobody has written to for so many milliseconds, and gives how many that were. */
  async sweep(ageMs: number): Promise<number> {
    let deleted = 0;
    for await (const { name } of await opendir(this.folder)) {
      const path = join(this.folder, name);
      if (await isOlderThan(path, ageMs)) {
        await this.discard(path);
        deleted++;
      }
    }
    return deleted;
  }
}

/** Makes a folder of uploads, unless it is there. @throws where it cannot be made, or written to */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  await access(path, constants.W_OK);
}

/** Whether a file was last written at least so many milliseconds ago. False where it is gone. */
export async function isOlderThan(path: string, ageMs: number): Promise<boolean> {
  const stats = await stat(path).catch(ignoreAbsent);
  // Not `Clock`: the times of files are the system's own, and finer than its milliseconds.
  return stats?.isFile() === true && Date.now() - Math.floor(stats.mtimeMs) >= ageMs;
}

/** @throws errors other than that there is no such file */
export function ignoreAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
    throw error;
  }
}
