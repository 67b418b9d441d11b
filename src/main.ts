import 'reflect-metadata';
import './config/clear-debug';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module';
import { configureApp } from './app.setup';
import { AppConfig } from './config/app-config';
import { ConfigError } from './config/env';
import { listenAsWorker, sessionId, socketPath } from './cluster/worker-front';
import { MetricsService } from './operations/metrics/metrics.service';
import { DrainService } from './realtime/drain.service';
import { RealtimeServer } from './realtime/realtime-server';

/** Random bytes of an Engine.IO session id, as many as the library's own. */
const SESSION_BYTES = 15;
/** A stop that takes longer is cut off. */
const STOP_DEADLINE_MS = 9000;

const logger = new Logger('Mayfly');

async function start(): Promise<void> {
  const config = AppConfig.load();
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { bufferLogs: true, bodyParser: false });
  configureApp(app);
  warn(config);
  const drain = app.get(DrainService);
  stopOnSignals(async () => {
    await drain.drain();
    await app.close();
  });
  const server = await listen(app, config);
  const { port } = server.address() as AddressInfo;
  logger.log(`Listening on port ${port}: API at http://localhost:${port}/api/docs`);
}

/** On the port of the settings; as a worker of a cluster on its own socket as well. */
async function listen(app: NestExpressApplication, { env }: AppConfig): Promise<Server> {
  const { MAYFLY_WORKER: id, MAYFLY_WORKERS: folder } = process.env;
  const server = app.getHttpServer() as Server;
  if (id === undefined || folder === undefined) {
    // Without a host Node listens on every address, of IPv6 too where there is any.
    await (env.HOST === undefined ? app.listen(env.PORT) : app.listen(env.PORT, env.HOST));
    return server;
  }
  await app.init();
  app.get(RealtimeServer).io.engine.generateId = () => sessionId(id, randomBytes(SESSION_BYTES).toString('base64url'));
  await app.get(MetricsService).joinWorkers(folder, id);
  await app.listen(socketPath(folder, id));
  return listenAsWorker(server, { id, folder, port: env.PORT, host: env.HOST });
}

function warn(config: AppConfig): void {
  for (const name of config.withoutEffect) {
    logger.warn(`${name} is set but has no effect here`);
  }
  if (config.jwtSecretIsRandom) {
    logger.warn('JWT_SECRET is not set: tokens end with this process');
  }
  if (config.production && config.publicUrl === undefined) {
    logger.warn('PUBLIC_URL is not set: absolute links point to this port');
  }
}

function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: string): void => {
    if (stopping) {
      process.exit(1);
    }
    stopping = true;
    logger.log(`${signal}: stopping; again to stop now`);
    setTimeout(() => process.exit(0), STOP_DEADLINE_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'The stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

process.on('unhandledRejection', (error) => logger.error({ err: error }, 'A promise failed unnoticed'));

start().catch((error: unknown) => {
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  const known = code === 'EADDRINUSE' ? `Port ${port} is taken: set PORT to another one` : undefined;
  const line = known ?? (error instanceof ConfigError ? message : undefined);
  process.stderr.write(`${line ?? (error instanceof Error ? error.stack : String(error))}\n`);
  process.exit(1);
});
