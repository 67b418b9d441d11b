import { Logger, StreamableFile } from '@nestjs/common';
import type { Response } from 'express';
import type { OpenedBlob } from './blob-store';

/** What a browser may do with an image: show it, on any page. */
const IMAGE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
};
/** A client that takes nothing for so long is not waited for: it holds an open file. */
const STALLED_MS = 30_000;
/** How a client goes away in the middle of an answer. */
const GONE: readonly (string | undefined)[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

const logger = new Logger('Images');

/** For answers about images, also those that there are none of: nothing is kept. */
export function noImageKept(response: Response): void {
  response.set({ ...IMAGE_HEADERS, 'Cache-Control': 'private, no-store' });
}

/** The bytes of an image, which the browser may keep for so many seconds; 0: not at all. */
export function imageAnswer(
  response: Response,
  { stream, size, mimeType }: OpenedBlob & { readonly mimeType: string },
  maxAge = 0,
): StreamableFile {
  noImageKept(response);
  if (maxAge > 0) {
    response.set('Cache-Control', `private, max-age=${maxAge}`);
  }
  response.setTimeout(STALLED_MS, () => response.destroy());
  // Its own would write the name of the file into the log, and every client that goes away.
  return new StreamableFile(stream, { type: mimeType, length: size }).setErrorLogger((error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (!GONE.includes(code)) {
      logger.error({ reason: code ?? 'unknown' }, 'An image could not be read');
    }
  });
}
