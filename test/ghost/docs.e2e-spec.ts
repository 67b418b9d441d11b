import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/built-server';
import { createApp, type TestApp } from '../support/create-app';

const page = readFileSync(join(ROOT, 'docs', 'anonymous-rooms.md'), 'utf8');
const RUN_MS = 30_000;

describe('docs/anonymous-rooms.md', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await createApp();
  });

  afterAll(() => app.close());

  it(
    'has a snippet of at most 15 lines that runs as printed',
    async () => {
      const [, printed = ''] = /^```js\n([^]*?)^```$/m.exec(page) ?? [];
      expect(printed.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
      const program = printed.replaceAll('http://localhost:3000', app.url);
      expect(program).not.toBe(printed);
      const child = spawn(process.execPath, ['--input-type=module'], { cwd: ROOT });
      let out = '';
      let errors = '';
      child.stdout.on('data', (data: Buffer) => (out += data.toString()));
      child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
      child.stdin.end(program);
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect({ code, errors, out }).toEqual({
        code: 0,
        errors: '',
        out: 'Ghost-1 says "nobody was here" for 2 s\nIt is gone.\n',
      });
    },
    RUN_MS,
  );

  it('is what the event reference tells: a server without a token', async () => {
    const document = (await (await fetch(`${app.url}/api/asyncapi.json`)).json()) as {
      servers: Record<string, { pathname: string; security?: unknown }>;
    };
    expect(document.servers.ghost).toMatchObject({ pathname: '/ghost' });
    expect(document.servers.ghost?.security).toBeUndefined();
    expect(document.servers.native?.security).toBeDefined();
  });
});
