import { join } from 'node:path';
import type { WorkerProgram } from '../../src/attachments/worker-process';

const ROOT = join(__dirname, '..', '..');

/** A child program that is TypeScript, run from its source. */
export function programOf(path: string): WorkerProgram {
  return { path: join(ROOT, path), execArgv: ['--require', join(__dirname, 'typescript-child.cjs')] };
}

/** The image process as the tests run it; the build has `dist/attachments/image-worker.js`. */
export const imageWorker = programOf('src/attachments/image-worker.ts');
