import type { Logger } from '@nestjs/common';
import type { Redis as Client } from 'ioredis';
import { isReplyError } from './redis-errors';

/** Commands of the stores are as old as this. */
const MIN_VERSION = [6, 2] as const;

/** Says what is wrong with the settings of the server. It is used nevertheless: some of them come from a provider. */
export async function checkServer(client: Client, logger: Logger, production: boolean): Promise<void> {
  const info = await client.info().catch((error: unknown) => {
    if (isReplyError(error)) {
      logger.warn({ reason: error.message }, 'Redis keeps its settings to itself: they cannot be checked');
      return '';
    }
    throw error;
  });
  if (info === '') {
    return;
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    const sentence = `Redis throws data away when it is full: set its maxmemory-policy to noeviction, not ${policy}`;
    if (production) {
      logger.error(sentence);
    } else {
      logger.warn(sentence);
    }
  }
  const [, major = '0', minor = '0'] = /^redis_version:(\d+)\.(\d+)/m.exec(info) ?? [];
  if (Number(major) < MIN_VERSION[0] || (Number(major) === MIN_VERSION[0] && Number(minor) < MIN_VERSION[1])) {
    logger.error(`Redis is too old: version ${MIN_VERSION.join('.')} or later is needed, not ${major}.${minor}`);
  }
}
