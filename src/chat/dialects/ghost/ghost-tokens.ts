import { createHmac, randomInt } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../../config/app-config';
import { GHOST_PREFIX } from '../../engine/room';

/** `ABC-123-XYZ`: three groups of one to three. `TEAM-2024`: six to nine, single hyphens inside. */
export const GHOST_TOKEN = /^(?:[A-Z0-9]{1,3}(?:-[A-Z0-9]{1,3}){2}|[A-Z0-9](?:-?[A-Z0-9]){5,8})$/;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const GROUPS = 3;
const GROUP_LENGTH = 3;

/**
 * Tokens of anonymous rooms. A token is the key of its room, so a room is named by a keyed hash of it, wherever it is
 * stored or logged.
 */
@Injectable()
export class GhostTokens {
  private readonly key: Buffer;

  constructor(config: AppConfig) {
    this.key = createHmac('sha256', config.jwtSecret).update('ghost-rooms').digest();
  }

  /** A new one: 46 random bits, as people can still type it. */
  create(): string {
    const group = (): string =>
      Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
    return Array.from({ length: GROUPS }, group).join('-');
  }

  isToken(text: string): boolean {
    return GHOST_TOKEN.test(text);
  }

  /** The id of the token's room. */
  roomId(token: string): string {
    return GHOST_PREFIX + this.digest(token);
  }

  /** 128 bits that stand for something secret, or for somebody's address. */
  digest(text: string): string {
    return createHmac('sha256', this.key).update(text).digest('base64url').slice(0, 22);
  }
}
