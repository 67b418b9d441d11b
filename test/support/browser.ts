import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';

/** How Debian and others call it. */
const BINARIES = ['chromium', 'chromium-browser', 'google-chrome'];

function installed(): string | undefined {
  return BINARIES.map((name) => spawnSync('which', [name]).stdout.toString().trim()).find((path) => path !== '');
}

/**
 * A suite in a real browser. Where there is none it is skipped, loudly; in CI it fails.
 */
export function describeBrowser(name: string, suite: (browser: () => Browser) => void): void {
  const executablePath = installed();
  if (executablePath === undefined) {
    if (process.env.CI === 'true') {
      throw new Error('chromium is not installed, and CI must test in it');
    }
    process.stderr.write(`\n!!! chromium is not installed: "${name}" IS SKIPPED !!!\n\n`);
    describe.skip(name, () => suite(() => Promise.reject(new Error('no browser')) as never));
    return;
  }
  describe(name, () => {
    let browser: Browser;
    beforeAll(async () => {
      // Containers run tests as root, for whom Chromium has no sandbox.
      browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
    });
    afterAll(() => browser.close());
    suite(() => browser);
  });
}

const TYPES: Readonly<Record<string, string>> = { html: 'text/html; charset=utf-8', js: 'text/javascript' };

/** Serves files as pages of an origin of its own, by their paths. */
export class PageServer {
  private constructor(private readonly server: Server) {}

  static async start(files: Readonly<Record<string, string>>): Promise<PageServer> {
    const server = createServer(({ url = '/' }, response) => {
      const file = files[new URL(url, 'http://x').pathname];
      if (file === undefined) {
        response.writeHead(404).end();
        return;
      }
      response.setHeader('Content-Type', TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'text/plain');
      response.end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new PageServer(server);
  }

  /** A page of `localhost` may use what needs a secure context. */
  get origin(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}
