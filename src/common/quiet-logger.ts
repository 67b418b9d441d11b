import type { LoggerService } from '@nestjs/common';

/** What Nest tells of every module and route at every start. */
const CHATTER = new Set(['InstanceLoader', 'NestFactory', 'RouterExplorer', 'RoutesResolver', 'WebSocketsController']);

/** A logger without Nest's inventory. */
export function quiet(logger: LoggerService): LoggerService {
  return {
    log: (message: unknown, ...rest: unknown[]) => {
      if (!CHATTER.has(String(rest.at(-1)))) {
        logger.log(message, ...rest);
      }
    },
    fatal: (message: unknown, ...rest: unknown[]) => logger.fatal?.(message, ...rest),
    error: (message: unknown, ...rest: unknown[]) => logger.error(message, ...rest),
    warn: (message: unknown, ...rest: unknown[]) => logger.warn(message, ...rest),
    debug: (message: unknown, ...rest: unknown[]) => logger.debug?.(message, ...rest),
    verbose: (message: unknown, ...rest: unknown[]) => logger.verbose?.(message, ...rest),
  };
}
