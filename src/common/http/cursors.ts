import { createHmac, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config';
import { AppError } from '../app-error';

/** Enough that a guess is hopeless, and short in an address. */
const MAC_BYTES = 12;
/** Longest cursor that is looked at, in characters. */
export const MAX_CURSOR_LENGTH = 512;

/**
 * Positions in lists as opaque text. They are signed with a key that all nodes share, so that a made-up one, or one of
 * another list, is told from ours whether or not its item still exists.
 */
@Injectable()
export class Cursors {
  private readonly key: Buffer;

  constructor(config: AppConfig) {
    this.key = createHmac('sha256', config.jwtSecret).update('cursors').digest();
  }

  /** The cursor of a position in the words of `list`'s store. */
  encode(list: string, position: string): string {
    return `${Buffer.from(position).toString('base64url')}.${this.sign(list, position).toString('base64url')}`;
  }

  /** The position of a cursor. @throws AppError ValidationError for one that was not made here for this list */
  decode(list: string, cursor: string): string {
    const [body = '', mac = ''] = cursor.split('.', 2);
    const position = Buffer.from(body, 'base64url').toString();
    const given = Buffer.from(mac, 'base64url');
    const expected = this.sign(list, position);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw AppError.field('cursor', 'cursor must be a nextCursor of this list');
    }
    return position;
  }

  private sign(list: string, position: string): Buffer {
    return createHmac('sha256', this.key).update(`${list}\n${position}`).digest().subarray(0, MAC_BYTES);
  }
}
