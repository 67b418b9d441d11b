import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuiltServer, buildWhenNeeded, ROOT } from './support/built-server';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** The only thing in the README that a test may replace. */
const ADDRESS = 'http://localhost:3000';

const BUILD_MS = 120_000;
const RUN_MS = 60_000;

/** The code blocks of a language in the section of this heading, as printed. */
function blocks(heading: string, language: string): string[] {
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

interface Ended {
  code: number | null;
  lines: string[];
  errors: string;
}

/** Runs a program in the repository's folder; `input` is its standard input. */
function run(command: string, args: string[], input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        code,
        lines: Buffer.concat(out).toString().trimEnd().split('\n'),
        errors: Buffer.concat(err).toString(),
      }),
    );
    child.stdin.end(input);
  });
}

describe('README.md', () => {
  beforeAll(() => buildWhenNeeded(), BUILD_MS);

  describe('against a server of its own', () => {
    let server: BuiltServer;
    let url: string;

    beforeAll(async () => {
      ({ server, url } = await BuiltServer.start());
    });

    afterAll(async () => {
      expect(await server.stop()).toBe(0);
    });

    it(
      'has a tour with curl that runs as printed and ends with nothing left',
      async () => {
        const printed = blocks('A tour', 'sh').join('');
        expect(printed).toContain(ADDRESS);

        const { code, lines, errors } = await run('sh', ['-e'], printed.replaceAll(ADDRESS, url));

        expect({ code, errors }).toEqual({ code: 0, errors: '' });
        expect(lines).toHaveLength(3);
        const [sent, read] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
        expect(sent).toMatchObject({
          success: true,
          message: { content: 'The code is 4711', senderUsername: 'alice' },
        });
        expect(read).toMatchObject({ messages: [sent?.message], hasMore: false });
        expect(blocks('A tour', 'json')).toEqual([`${lines[2]}\n`]);
      },
      RUN_MS,
    );

    it(
      'has a socket.io-client snippet of at most 15 lines that runs as printed',
      async () => {
        const [printed = '', ...others] = blocks('A tour', 'js');
        expect(others).toEqual([]);
        expect(printed).toContain(ADDRESS);
        expect(printed.trimEnd().split('\n').length).toBeLessThanOrEqual(15);

        const program = printed.replaceAll(ADDRESS, url);
        const { code, lines, errors } = await run(process.execPath, ['--input-type=module'], program);

        expect({ code, errors }).toEqual({ code: 0, errors: '' });
        expect(lines.slice(0, -1).sort()).toEqual([
          expect.stringMatching(/^Alice was acked: { success: true, seq: \d+ }$/),
          'Bob reads: Hi Bob',
        ]);
        expect(lines.at(-1)).toBe('It is gone.');
      },
      RUN_MS,
    );
  });

  it(
    'has a demo that runs through and ends with nothing left',
    async () => {
      const { code, lines, errors } = await run(process.execPath, ['scripts/demo.mjs']);

      expect({ code, errors }).toEqual({ code: 0, errors: '' });
      expect(lines.at(-1)).toBe('Nothing is left.');
      const left = lines.slice(lines.indexOf('What is left')).join('\n');
      expect(left).toContain('history by REST: 0 messages');
      expect(left).toContain('statistics: 0 chats, 0 messages');
      expect(left).toContain('the link of the picture: 404; files on its disk: 0');
      // Three texts, a picture, and what burns after reading.
      expect(lines.filter((line) => line.includes('message:expired to both'))).toHaveLength(5);
      // Not a terminal: no colours.
      expect(lines.join('\n')).not.toMatch(/\u001b/);
    },
    RUN_MS,
  );

  it('names only scripts that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const named = [...readme.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  });

  it('links only to files that there are', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });
});
