import { encodeImage, limitSharp, RefusedImage } from './image-encoder';
import type { ImageJob, WorkerAnswer } from './image-job';

/**
 * The program of the child process that decodes pictures: one job a message, one answer a job. A picture that kills it
 * or keeps it busy harms nobody else. It ends with its parent, however that ends; signals that a terminal or a service
 * manager sends to both are left to the parent, which still waits for the job under way.
 */
function main(): void {
  limitSharp();
  process.on('SIGINT', ignore);
  process.on('SIGTERM', ignore);
  process.on('disconnect', () => process.exit());
  process.on('message', (job: ImageJob) => void work(job).then(answer));
  answer({ kind: 'ready' });
}

async function work(job: ImageJob): Promise<WorkerAnswer> {
  try {
    return { kind: 'done', image: await encodeImage(job) };
  } catch (error) {
    if (error instanceof RefusedImage) {
      return { kind: 'refused', refusal: error.refusal };
    }
    return { kind: 'failed', reason: (error as NodeJS.ErrnoException).code ?? 'unknown' };
  }
}

function answer(message: WorkerAnswer): void {
  if (process.connected) {
    process.send?.(message);
  }
}

function ignore(): void {}

main();
