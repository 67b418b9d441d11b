import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Awaitable } from '../common/awaitable';
import { AttachmentsService } from './attachments.service';
import { BlobStore } from './blob-store';
import { Scratch } from './scratch';

const INTERVAL_MS = 300_000;
/** Younger blobs are left for the next run: clocks of several nodes differ. */
const LEAST_AGE_MS = 60_000;
/** Longer than any upload takes: the HTTP server gives a request 300 s. */
const ABANDONED_MS = 600_000;
const BATCH = 256;

/** Counts for the log, by name; never contents. */
type Counts = Record<string, number>;

/** Deletes files that nothing refers to: what a killed process, or a disk that failed for a while, left behind. */
@Injectable()
export class UploadsJob implements OnApplicationBootstrap {
  private readonly logger = new Logger(UploadsJob.name);
  private readonly counters: (() => Awaitable<Counts>)[] = [];
  private running = false;

  constructor(
    private readonly attachments: AttachmentsService,
    private readonly blobs: BlobStore,
    private readonly scratch: Scratch,
  ) {}

  /** Adds counts to the line that each run logs. */
  addCounts(counter: () => Awaitable<Counts>): void {
    this.counters.push(counter);
  }

  onApplicationBootstrap(): void {
    void this.scheduledRun();
  }

  @Interval('uploads', INTERVAL_MS)
  protected async scheduledRun(): Promise<void> {
    try {
      await this.run();
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
      this.logger.error({ reason }, 'The look for files that nothing refers to failed');
    }
  }

  /**
   * Deletes orphans that are at least so old, ms, and gives how many files that were. Does nothing while an earlier run
   * is at work.
   */
  async run(leastAgeMs = LEAST_AGE_MS): Promise<number> {
    if (this.running) {
      return 0;
    }
    this.running = true;
    try {
      const filesDeleted = (await this.deleteOrphans(leastAgeMs)) + (await this.scratch.sweep(ABANDONED_MS));
      const { count: images, bytes } = await this.attachments.totals();
      const counts = await Promise.all(this.counters.map((counter) => counter()));
      this.logger.log({ filesDeleted, images, bytes, ...Object.assign({}, ...counts) }, 'Looked for unused files');
      return filesDeleted;
    } finally {
      this.running = false;
    }
  }

  private async deleteOrphans(leastAgeMs: number): Promise<number> {
    let deleted = 0;
    let batch: string[] = [];
    for await (const name of this.blobs.listOlderThan(leastAgeMs)) {
      batch.push(name);
      if (batch.length === BATCH) {
        deleted += await this.attachments.deleteOrphans(batch);
        batch = [];
      }
    }
    return deleted + (await this.attachments.deleteOrphans(batch));
  }
}
