import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { createApp } from '../support/create-app';
import { expectSnapshot } from '../support/snapshot';

const REDOCLY = require.resolve('@redocly/cli/bin/cli.js');
/** Open routes have no security, some cannot be called wrongly, and the server is the one that the document is from. */
const BY_DESIGN = ['security-defined', 'operation-4xx-response', 'no-empty-servers'];

let document: Record<string, unknown>;

/** What Redocly's recommended rules find wrong with a document. Asks nobody on the network. */
function lint(subject: object): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-openapi-'));
  const file = join(folder, 'openapi.json');
  writeFileSync(file, JSON.stringify(subject));
  const args = [
    'lint',
    file,
    '--extends=recommended',
    '--format=json',
    ...BY_DESIGN.map((rule) => `--skip-rule=${rule}`),
  ];
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  try {
    execFileSync(process.execPath, [REDOCLY, ...args], { cwd: folder, env, stdio: 'pipe' });
    return [];
  } catch (error) {
    const { stdout } = error as { stdout: Buffer };
    const { problems } = JSON.parse(stdout.toString()) as { problems: { ruleId: string; message: string }[] };
    return problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

beforeAll(async () => {
  const { url, close } = await createApp();
  document = (await request(url).get('/api/docs-json').expect(200)).body as Record<string, unknown>;
  await close();
});

it('the routes are those that are committed (see test/support/snapshot.ts)', () => {
  expectSnapshot('openapi.json', document);
});

it('the document is valid OpenAPI', () => {
  expect(lint(document)).toEqual([]);
});

it('what is not valid is found', () => {
  const broken = { ...document, info: { title: 'No version' } };
  expect(lint(broken)).toContainEqual(expect.stringContaining('`version`'));
});
