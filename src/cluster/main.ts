import 'reflect-metadata';
import '../config/clear-debug';
import { Logger } from '@nestjs/common';
import cluster, { type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, PinoLogger } from '../common/logging';
import { AppConfig } from '../config/app-config';
import { ConfigError } from '../config/env';

/** A worker that dies is replaced after this long, so that one which cannot start does not keep the machine busy. */
const RESTART_MS = 1000;
/** A worker that has not ended by then is killed; it drains for less. */
const STOP_DEADLINE_MS = 9500;

const logger = new Logger('Cluster');

/** One worker a core of this machine, over one Redis. Started by `npm run start:cluster`. */
function runPrimary(): void {
  const config = AppConfig.load();
  if (config.env.REDIS_URL === undefined) {
    throw new ConfigError('REDIS_URL must be set: several workers share nothing but Redis');
  }
  Logger.overrideLogger(new PinoLogger(createLog(config.env.LOG_LEVEL)));
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Workers must agree on the secret where none is set.
  const shared = { MAYFLY_WORKERS: folder, JWT_SECRET: config.jwtSecret };
  let stopping = false;
  let served = false;
  let number = 0;
  const fork = (): Worker => cluster.fork({ ...shared, MAYFLY_WORKER: String(number++) });
  cluster.on('exit', (worker, code, signal) => {
    if (stopping) {
      if (Object.keys(cluster.workers ?? {}).length === 0) {
        process.exit(0);
      }
      return;
    }
    if (!served) {
      // None ever served: the next would fail as this one did, and has said why.
      process.exit(code || 1);
    }
    logger.warn({ worker: worker.id, code, signal }, 'A worker ended and is replaced');
    setTimeout(fork, RESTART_MS);
  });
  cluster.on('listening', () => (served = true));
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      process.exit(1);
    }
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) {
      worker?.process.kill(signal);
    }
    setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const count = availableParallelism();
  for (let i = 0; i < count; i++) {
    fork();
  }
  logger.log(`${count} workers on port ${config.env.PORT}`);
}

if (cluster.isPrimary) {
  cluster.setupPrimary({ exec: join(__dirname, '..', 'main.js') });
  try {
    runPrimary();
  } catch (error) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
