// `npm start` and `npm run start:cluster`: builds when there is no build, or when a source is newer than it and the compiler is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = join(root, 'dist', 'main.js');

function newestSource() {
  const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  return Math.max(
    ...files.filter((file) => file.isFile()).map((file) => statSync(join(file.parentPath, file.name)).mtimeMs),
  );
}

function compiler() {
  try {
    return createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  } catch {
    return undefined;
  }
}

export function buildWhenNeeded() {
  const nest = compiler();
  if (existsSync(main) && (!nest || statSync(main).mtimeMs >= newestSource())) {
    return;
  }
  if (!nest) {
    process.stderr.write('There is no build and no compiler: run `npm ci` with development dependencies first\n');
    process.exit(1);
  }
  process.stdout.write('Building …\n');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildWhenNeeded();
  await import(join(root, 'dist', process.argv[2] ?? 'main.js'));
}
