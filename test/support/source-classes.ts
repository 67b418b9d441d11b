import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';

const SOURCE = join(__dirname, '../../src');
/** What is no module to load: types, tests, and programs that start when they are loaded. */
const NOT_LOADED = /(\.d\.ts|\.spec\.ts|main\.ts|worker\.ts)$/;

/** Every class that is exported by a module of the server whose text matches: for proofs that none was forgotten. */
export function sourceClasses(mentions: RegExp): Type<object>[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !NOT_LOADED.test(file))
    .map((file) => join(SOURCE, file))
    .filter((file) => mentions.test(readFileSync(file, 'utf8')));
  const exported = files.flatMap((file) => Object.values(jest.requireActual<object>(file)));
  return [...new Set(exported.filter(isClass))];
}

function isClass(value: unknown): value is Type<object> {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
