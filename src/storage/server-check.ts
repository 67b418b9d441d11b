import type { Logger } from '@nestjs/common';
import type { Redis as Client } from 'ioredis';
import { isReplyError } from './redis-errors';

/** Commands of the stores are as old as this. */
const MIN_VERSION = [6, 2] as const;

const SLOW_LOG = 'slowlog-log-slower-than';

/** Turns off what would keep texts, and says what is wrong with the settings of the server. It is used nevertheless: some of them come from a provider. */
export async function checkServer(client: Client, logger: Logger, production: boolean): Promise<void> {
  const complain = (sentence: string): void => (production ? logger.error(sentence) : logger.warn(sentence));
  await silenceSlowLog(client, complain, logger);
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
    complain(`Redis throws data away when it is full: set its maxmemory-policy to noeviction, not ${policy}`);
  }
  const [, major = '0', minor = '0'] = /^redis_version:(\d+)\.(\d+)/m.exec(info) ?? [];
  if (Number(major) < MIN_VERSION[0] || (Number(major) === MIN_VERSION[0] && Number(minor) < MIN_VERSION[1])) {
    logger.error(`Redis is too old: version ${MIN_VERSION.join('.')} or later is needed, not ${major}.${minor}`);
  }
}

/**
 * The slow log keeps the arguments of commands that took long, texts among them, beyond every deadline. It is on by
 * default, so it is turned off here.
 */
async function silenceSlowLog(client: Client, complain: (sentence: string) => void, logger: Logger): Promise<void> {
  try {
    const [, slowerThan] = (await client.config('GET', SLOW_LOG)) as string[];
    if (slowerThan !== undefined && Number(slowerThan) >= 0) {
      await client.config('SET', SLOW_LOG, '-1');
      logger.warn(`Redis would keep texts in its slow log: its ${SLOW_LOG} is now -1`);
    }
  } catch (error) {
    if (!isReplyError(error)) {
      throw error;
    }
    complain(`Redis may keep texts in its slow log, which cannot be turned off from here: set its ${SLOW_LOG} to -1`);
  }
}
