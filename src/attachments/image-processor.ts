import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AppError } from '../common/app-error';
import type { EncodedImage, ImageJob, WorkerAnswer } from './image-job';
import { type NoAnswer, WorkerProcess, WorkerProgram } from './worker-process';

/** A picture that takes longer is refused (guarantees.md). */
export const JOB_TIMEOUT_MS = 3000;
/** Pictures that wait for their turn; who comes then is refused. A photo takes about a quarter of a second. */
export const MAX_WAITING = 32;
/** The process ends after so long without a job, and its memory with it. */
const IDLE_MS = 60_000;

const TOO_LONG: WorkerAnswer = refusal('The image takes too long to process');
const UNREADABLE: WorkerAnswer = refusal('The image could not be processed');

/**
 * Decodes and encodes pictures, one at a time, in a process of its own that is started for the first of them. One that
 * hangs or dies is replaced, and costs the picture that it was at.
 */
@Injectable()
export class ImageProcessor implements OnApplicationShutdown {
  private readonly logger = new Logger(ImageProcessor.name);
  private worker: WorkerProcess | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly program: WorkerProgram) {}

  /** The process id of the child; undefined while there is none. */
  get pid(): number | undefined {
    return this.worker?.usable ? this.worker.pid : undefined;
  }

  /**
   * Makes `output` of `input`, or leaves nothing there. A job whose signal is aborted before its turn is not begun.
   * @throws AppError ValidationError, UnsupportedMediaTypeError, PayloadTooLargeError: the image is at fault;
   * CapacityError: too many wait, or the process cannot be started
   */
  async process(job: ImageJob, signal?: AbortSignal): Promise<EncodedImage> {
    if (this.waiting >= MAX_WAITING) {
      throw new AppError('CapacityError', 'Too many images are being processed, please try again', { retryAfter: 5 });
    }
    this.waiting++;
    const turn = this.last.then(() => {
      this.waiting--;
      signal?.throwIfAborted();
      return this.run(job);
    });
    this.last = turn.catch(() => undefined);
    return imageOf(await turn);
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    await this.worker?.kill();
  }

  private async run(job: ImageJob): Promise<WorkerAnswer> {
    if (this.closed) {
      throw unavailable();
    }
    clearTimeout(this.idle);
    if (!this.worker?.usable) {
      this.worker = new WorkerProcess(this.program);
    }
    const answer = await this.worker.run(job, JOB_TIMEOUT_MS);
    this.stopWhenIdle(this.worker);
    return typeof answer === 'string' ? this.withoutAnswer(answer) : answer;
  }

  private withoutAnswer(reason: NoAnswer): WorkerAnswer {
    if (this.closed) {
      throw unavailable();
    }
    this.logger.warn({ reason }, 'The image process gave no answer and is replaced');
    if (reason === 'no-start') {
      throw unavailable();
    }
    return reason === 'hung' ? TOO_LONG : UNREADABLE;
  }

  private stopWhenIdle(worker: WorkerProcess): void {
    this.idle = setTimeout(() => void worker.kill(), IDLE_MS).unref();
  }
}

function imageOf(answer: WorkerAnswer): EncodedImage {
  switch (answer.kind) {
    case 'done':
      return answer.image;
    case 'refused':
      throw new AppError(answer.refusal.code, answer.refusal.message);
    case 'failed':
      throw new Error(`The image process failed: ${answer.reason}`);
    case 'ready':
      throw new Error('The image process said that it was ready twice');
  }
}

function refusal(message: string): WorkerAnswer {
  return { kind: 'refused', refusal: { code: 'ValidationError', message } };
}

function unavailable(): AppError {
  return new AppError('CapacityError', 'Images cannot be processed right now, please try again', { retryAfter: 5 });
}
