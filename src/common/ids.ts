import { randomFillSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';

/** Random bytes of an id: 96 bits, the least the contract allows. */
export const ID_BYTES = 12;
/** Length of an opaque id: 24 hexadecimal digits. Hexadecimal, so that `_` can separate two of them. */
export const ID_LENGTH = ID_BYTES * 2;
export const MESSAGE_ID_PREFIX = 'msg_';

const POOL_BYTES = ID_BYTES * 512;

/** Makes every id of the server. Random bytes are drawn from the system in batches. */
@Injectable()
export class Ids {
  private readonly pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  private used = POOL_BYTES;

  /** An opaque id: 96 random bits as 24 lower-case hexadecimal digits. */
  id(): string {
    if (this.used === POOL_BYTES) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const from = this.used;
    this.used += ID_BYTES;
    return this.pool.toString('hex', from, this.used);
  }

  /** `msg_<epoch ms>_<96 random bits>`. */
  messageId(createdAt: number): string {
    return `${MESSAGE_ID_PREFIX}${createdAt}_${this.id()}`;
  }
}
