import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const FOLDER = join(ROOT, 'test', 'contract', 'snapshots');

/**
 * Compares a document with the one that is committed, so that no change of the contract goes unnoticed. Where the change
 * is meant: `UPDATE_CONTRACT=1 npx jest test/contract/openapi test/contract/asyncapi`, and commit what that writes.
 */
export function expectSnapshot(name: string, document: object): void {
  const file = join(FOLDER, name);
  // What JSON leaves out, and the order of keys that sorting makes the same, are no part of the contract.
  const text = `${JSON.stringify(sorted(document), null, 2)}\n`;
  if (process.env.UPDATE_CONTRACT === '1') {
    writeFileSync(file, text);
  }
  if (!existsSync(file)) {
    throw new Error(`${relative(ROOT, file)} is missing: run with UPDATE_CONTRACT=1`);
  }
  expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field)]));
}
