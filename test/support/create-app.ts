import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppModule } from '../../src/app.module';
import { configureApp } from '../../src/app.setup';
import { WorkerProgram } from '../../src/attachments/worker-process';
import { Clock } from '../../src/common/clock';
import { AppConfig } from '../../src/config/app-config';
import { ExpiryService } from '../../src/expiry/expiry.service';
import { DrainService } from '../../src/realtime/drain.service';
import { imageWorker } from './image-worker';

type Settings = Record<string, string>;

/** Limits out of the way, cheap hashes, no log. */
const TEST_SETTINGS: Settings = {
  NODE_ENV: 'test',
  LOG_LEVEL: 'silent',
  JWT_SECRET: 'a secret of the tests that has more than 32 characters',
  BCRYPT_ROUNDS: '4',
  RATE_LIMIT_PER_SECOND: '10000',
  AUTH_RATE_LIMIT_PER_MINUTE: '10000',
  SOCKET_EVENTS_PER_MINUTE: '100000',
  SOCKET_EVENTS_BURST: '10000',
  SOCKET_OTHER_EVENTS_PER_MINUTE: '100000',
};

export interface TestApp {
  readonly app: NestExpressApplication;
  readonly url: string;
  /** Hands out what is due now, without waiting for the schedule. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export interface TestAppOptions {
  settings?: Settings;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Replaces providers. */
  replace?: (builder: TestingModuleBuilder) => void;
}

/** The complete application on a free port, as `main.ts` runs it; its uploads go to a folder of its own, and with it. */
export async function createApp({ settings = {}, clock, replace }: TestAppOptions = {}): Promise<TestApp> {
  // Made when the application starts: one that does not start leaves nothing.
  const uploads = join(tmpdir(), `mayfly-uploads-${randomUUID()}`);
  const builder = Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(AppConfig)
    .useValue(AppConfig.from({ ...TEST_SETTINGS, UPLOAD_DIR: uploads, ...settings }))
    .overrideProvider(WorkerProgram)
    .useValue(imageWorker);
  if (clock) {
    builder.overrideProvider(Clock).useValue(clock);
  }
  replace?.(builder);
  const module = await builder.compile();
  const app = module.createNestApplication<NestExpressApplication>({ bodyParser: false });
  configureApp(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    app,
    url: `http://127.0.0.1:${port}`,
    tick: () => app.get(ExpiryService).tick(),
    close: async () => {
      await app.get(DrainService).drain();
      await app.close();
      await rm(uploads, { recursive: true, force: true });
    },
  };
}
