import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name and version of the package, from the `package.json` above the compiled files or the sources. */
function readPackage(): { name: string; version: string } {
  for (const up of ['../..', '../../..']) {
    try {
      const text = readFileSync(join(__dirname, up, 'package.json'), 'utf8');
      return JSON.parse(text) as { name: string; version: string };
    } catch {
      continue;
    }
  }
  return { name: 'mayfly', version: 'unknown' };
}

export const { name: NAME, version: VERSION } = readPackage();
