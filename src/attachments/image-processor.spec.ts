import { Logger } from '@nestjs/common';
import { readFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageWorker } from '../../test/support/image-worker';
import { animation, endlessGif, look, photoWithSecrets, picture } from '../../test/support/pictures';
import type { ImageProfile } from './image-job';
import { ImageProcessor, JOB_TIMEOUT_MS } from './image-processor';
import type { WorkerProgram } from './worker-process';

const AVATAR: ImageProfile = { width: 256, height: 256, fit: 'cover', format: 'webp', quality: 80, animated: false };
const OWN: ImageProfile = { width: 4096, height: 4096, fit: 'inside', format: 'own', quality: 80, animated: true };

let folder: string;
let processor: ImageProcessor;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-images-'));
});

afterEach(async () => {
  await processor.onApplicationShutdown();
  await rm(folder, { recursive: true });
});

const start = (program: WorkerProgram = imageWorker): ImageProcessor => (processor = new ImageProcessor(program));

/** A child program that says that it is ready, and does this with each job. */
async function program(onMessage: string, ready = true): Promise<WorkerProgram> {
  const path = join(folder, 'program.cjs');
  const hello = ready ? "process.send({ kind: 'ready' });" : 'process.exit(3);';
  await writeFile(path, `process.on('message', (job) => { ${onMessage} });\n${hello}`);
  return { path, execArgv: [] };
}

async function encode(bytes: Buffer, profile: ImageProfile = OWN, signal?: AbortSignal) {
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  await writeFile(input, bytes);
  const image = await processor.process({ input, output, profile }, signal);
  return { image, bytes: await readFile(output) };
}

describe('a profile', () => {
  beforeEach(() => start());

  it('for avatars gives a square still', async () => {
    const { image, bytes } = await encode(await photoWithSecrets(300, 100), AVATAR);
    expect(image).toEqual({ format: 'webp', width: 256, height: 256, size: bytes.length });
    expect(await look(bytes)).toEqual({ format: 'webp', width: 256, height: 256, metadata: [] });
    const { bytes: still } = await encode(await animation('gif', 20, 20, 5), AVATAR);
    expect(await look(still)).toMatchObject({ width: 256, height: 256, pages: undefined });
  });

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('of their own format keeps %s what it is', async (format) => {
    const { image, bytes } = await encode(await picture(5000, 100)[format]().toBuffer());
    expect(image).toEqual({ format, width: 4096, height: 82, size: bytes.length });
    expect(await look(bytes)).toMatchObject({ format, width: 4096, height: 82 });
  });

  it('of their own format keeps animations moving and takes metadata out', async () => {
    expect(await look((await encode(await animation('gif', 20, 10, 6))).bytes)).toMatchObject({
      format: 'gif',
      pages: 6,
    });
    expect(await look((await encode(await photoWithSecrets(60, 30))).bytes)).toMatchObject({
      format: 'jpeg',
      width: 30,
      height: 60,
      metadata: [],
    });
  });
});

describe('the image process', () => {
  it('is started for the first image, stays for the next and ends with the application', async () => {
    start();
    expect(processor.pid).toBeUndefined();
    await encode(await picture(20, 20).png().toBuffer());
    const { pid } = processor;
    await encode(await picture(20, 20).png().toBuffer());
    expect(processor.pid).toBe(pid);
    await processor.onApplicationShutdown();
    expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
    await expect(encode(Buffer.from('x'))).rejects.toMatchObject({ code: 'CapacityError' });
  });

  it('knows nothing of the environment and runs at low priority', async () => {
    start();
    await encode(await picture(20, 20).png().toBuffer());
    const read = (name: string): Promise<string> => readFile(`/proc/${processor.pid}/${name}`, 'utf8');
    expect((await read('environ')).split('\0').map((line) => line.split('=', 1)[0])).toEqual(
      expect.not.arrayContaining(['PATH', 'HOME', 'JWT_SECRET']),
    );
    for (const thread of await readdir(`/proc/${processor.pid}/task`)) {
      const [, fields = ''] = (await read(`task/${thread}/stat`)).split(') ');
      expect(fields.split(' ')[16]).toBe('10');
    }
  });

  it('takes no more than it needs for a picture that would need much', async () => {
    start();
    for (const bytes of [
      await picture(5000, 5000).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
      await picture(5000, 5000).png({ progressive: true }).toBuffer(),
      await picture(5000, 5000).webp({ effort: 0 }).toBuffer(),
      endlessGif(600_000),
    ]) {
      await expect(encode(bytes)).rejects.toMatchObject({ code: 'PayloadTooLargeError' });
    }
    const { image } = await encode(await picture(8000, 6000).jpeg().toBuffer());
    expect(image).toMatchObject({ width: 4096, height: 3072 });
  });

  describe('that fails', () => {
    let warned: jest.SpyInstance;

    beforeEach(() => {
      warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    });

    afterEach(() => warned.mockRestore());

    it('by taking too long is killed, and the next image gets a new one', async () => {
      start(await program("if (job.input.endsWith('input')) for (;;);"));
      const started = performance.now();
      const first = encode(Buffer.from('x'));
      await expect(first).rejects.toMatchObject({
        code: 'ValidationError',
        message: expect.stringContaining('too long'),
      });
      expect(performance.now() - started).toBeLessThan(JOB_TIMEOUT_MS + 1500);
      expect(processor.pid).toBeUndefined();
      expect(warned).toHaveBeenCalledTimes(1);
      await program("process.send({ kind: 'refused', refusal: { code: 'ValidationError', message: 'second' } });");
      await expect(encode(Buffer.from('x'))).rejects.toMatchObject({ message: 'second' });
    });

    it('by dying costs the image that it was at, and none that waits', async () => {
      const done = "process.send({ kind: 'done', image: { format: 'webp', width: 1, height: 1, size: 1 } });";
      start(await program(`if (job.input === 'bad') process.kill(process.pid, 'SIGSEGV'); else ${done}`));
      const process = (input: string) => processor.process({ input, output: 'x', profile: OWN });
      const [first, bad, last] = await Promise.allSettled([process('good'), process('bad'), process('good')]);
      expect([first?.status, last?.status]).toEqual(['fulfilled', 'fulfilled']);
      expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'ValidationError' } });
    });

    it('to start makes images unavailable until it can be started', async () => {
      start(await program('', false));
      await expect(encode(Buffer.from('x'))).rejects.toMatchObject({ code: 'CapacityError' });
      await program("process.send({ kind: 'failed', reason: 'ENOSPC' });");
      await expect(encode(Buffer.from('x'))).rejects.toThrow('ENOSPC');
    });

    it('while the application ends makes no client guilty', async () => {
      start(await program(''));
      const under = encode(Buffer.from('x'));
      const waiting = encode(Buffer.from('x'));
      const outcomes = Promise.allSettled([under, waiting]);
      while (processor.pid === undefined) {
        await new Promise(setImmediate);
      }
      await processor.onApplicationShutdown();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CapacityError' } });
      }
    });
  });

  it('does not begin what nobody waits for any more', async () => {
    start(await program(''));
    const gone = new AbortController();
    gone.abort(new Error('gone'));
    await expect(encode(Buffer.from('x'), OWN, gone.signal)).rejects.toThrow('gone');
    expect(processor.pid).toBeUndefined();
  });
});
