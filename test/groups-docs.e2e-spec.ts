import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROUTES } from './support/authz-table';
import { ROOT } from './support/built-server';
import { createApp, type TestApp } from './support/create-app';

const page = readFileSync(join(ROOT, 'docs', 'groups.md'), 'utf8');
const RUN_MS = 30_000;

describe('docs/groups.md', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await createApp();
  });

  afterAll(() => app.close());

  it(
    'has a snippet of a moderated room in both namespaces that runs as printed',
    async () => {
      const [, printed = ''] = /^```js\n([^]*?)^```$/m.exec(page) ?? [];
      const program = printed.replaceAll('http://localhost:3000', app.url);
      expect(program).not.toBe(printed);
      const child = spawn(process.execPath, ['--input-type=module'], { cwd: ROOT });
      let out = '';
      let errors = '';
      child.stdout.on('data', (data: Buffer) => (out += data.toString()));
      child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
      child.stdin.end(program);
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      const lines = out.trimEnd().split('\n');
      const [texts, notes] = [true, false].map((read) => lines.filter((line) => / reads: /.test(line) === read));
      for (const who of ['Alice', 'Bob']) {
        expect(texts).toEqual(
          expect.arrayContaining([`${who} reads: alice Welcome`, `${who} reads: bob Buy my roses!`]),
        );
      }
      expect(notes).toEqual([
        'Bob sees it deleted: true',
        'Bob is told: You are muted in this room',
        'Bob is out: advertising',
      ]);
    },
    RUN_MS,
  );

  it('names only calls that there are', () => {
    const known = ROUTES.map(({ handler }) => handler.replaceAll(/:\w+/g, ':'));
    const named = [...page.matchAll(/`(GET|POST|PUT|PATCH|DELETE) ((?:ROOM|\/api)[^\s`{?]*)/g)].map(
      ([, method = '', path = '']) => `${method} ${path.replace('ROOM', '/api/chat/rooms/:').replaceAll(/:\w+/g, ':')}`,
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((call) => !known.includes(call))).toEqual([]);
  });
});
