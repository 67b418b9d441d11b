import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { BuiltServer, buildWhenNeeded, ROOT } from '../support/built-server';
import { describeBrowser, PageServer } from '../support/browser';
import { picture } from '../support/pictures';

const START_MS = 120_000;
const TEST_MS = 60_000;
const BURN_MS = 1500;

interface LoadedImage {
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly src: string;
}

describeBrowser('A page that knows nothing but https://host/ghost', (browser) => {
  let pages: PageServer;
  let server: BuiltServer;
  let base: string;
  let opened: Page[] = [];
  let room = 0;

  beforeAll(async () => {
    buildWhenNeeded();
    pages = await PageServer.start({
      '/': join(__dirname, 'ghost-page.html'),
      '/page.js': join(__dirname, 'ghost-page.js'),
      '/socket.io.js': join(ROOT, 'node_modules', 'socket.io-client', 'dist', 'socket.io.min.js'),
    });
    const settings = { CORS_ORIGIN: pages.origin, BURN_DELAY_MS: String(BURN_MS) };
    const started = await BuiltServer.start(settings);
    server = started.server;
    base = `${started.url}/ghost`;
  }, START_MS);

  afterEach(async () => {
    await Promise.all(opened.map((page) => page.close()));
    opened = [];
  });

  afterAll(async () => {
    await pages?.close();
    expect(await server?.stop()).toBe(0);
  });

  /** Two tabs with the same link. */
  async function tabs(names = ['Ghost-1', 'Ghost-2']): Promise<Page[]> {
    const key = randomBytes(16).toString('base64');
    const token = `PAGE-${String(room++).padStart(4, '0')}`;
    for (const name of names) {
      opened.push(await open(token, name, key));
    }
    return opened;
  }

  async function open(token: string, name: string, key: string): Promise<Page> {
    const page = await browser().newPage();
    const query = new URLSearchParams({ base, room: token, name });
    await page.goto(`${pages.origin}/?${query.toString()}#${key}`);
    await page.waitForSelector('body[data-loaded]');
    await page.waitForFunction(`document.getElementById('people').textContent.includes('${name}')`);
    return page;
  }

  const lines = (page: Page): Promise<string[]> => page.locator('#messages li').allTextContents();
  const banner = (page: Page): Promise<string | null> => page.locator('#banner').textContent();
  const shows = (page: Page, count: number): Promise<unknown> =>
    page.waitForFunction(`document.querySelectorAll('#messages li').length === ${count}`);
  const says = (page: Page, id: string, text: string): Promise<unknown> =>
    page.waitForFunction(`document.getElementById('${id}').textContent === '${text}'`);
  async function write(page: Page, text: string): Promise<void> {
    await page.fill('#text', text);
    await page.click('button');
  }

  it(
    'shows who is there, and texts that only pages can read, to both tabs',
    async () => {
      const [one, two] = (await tabs()) as [Page, Page];
      await says(one, 'people', 'Ghost-1 Ghost-2');
      await one.type('#text', 'Hello');
      await says(two, 'typing', 'Ghost-1 types');
      await write(one, 'Hello, Ghost-2 \u{1f47b}');
      await shows(two, 1);
      await write(two, 'Hello, Ghost-1');
      await Promise.all([shows(one, 2), shows(two, 2)]);
      const expected = ['Ghost-1: Hello, Ghost-2 \u{1f47b}', 'Ghost-2: Hello, Ghost-1'];
      expect([await lines(one), await lines(two)]).toEqual([expected, expected]);
      // A reload: the same link, the history in place of what was there.
      await two.reload();
      await two.waitForSelector('body[data-loaded]');
      await shows(two, 2);
      expect(await lines(two)).toEqual(expected);
      expect([await banner(one), await banner(two)]).toEqual(['', '']);
      expect(server.log.join('\n')).not.toContain('Hello');
    },
    TEST_MS,
  );

  it(
    'sends a picture, twice in one binary event, which both tabs load from the server',
    async () => {
      const [one, two] = (await tabs()) as [Page, Page];
      const buffer = await picture(64, 48).png().toBuffer();
      await one.setInputFiles('#file', { name: 'holiday.png', mimeType: 'image/png', buffer });
      for (const page of [one, two]) {
        await page.waitForFunction("document.querySelector('img')?.naturalWidth > 0");
        const image = await page.evaluate<LoadedImage>(
          '(({ naturalWidth, naturalHeight, src }) => ({ naturalWidth, naturalHeight, src }))(document.querySelector("img"))',
        );
        expect(image).toMatchObject({ naturalWidth: 64, naturalHeight: 48 });
        expect(image.src.startsWith(`${base}/api/image/msg_`)).toBe(true);
        expect(await banner(page)).toBe('');
      }
    },
    TEST_MS,
  );

  it(
    'burns a message in both tabs, and hands one that waited to who comes later',
    async () => {
      const [one, two] = (await tabs()) as [Page, Page];
      await one.check('#burn');
      await write(one, 'Burn this');
      await Promise.all([shows(one, 1), shows(two, 1)]);
      expect(await lines(two)).toEqual(['Ghost-1: Burn this']);
      await Promise.all([shows(one, 0), shows(two, 0)]);

      await two.close();
      await says(one, 'people', 'Ghost-1');
      await write(one, 'For who comes');
      await shows(one, 1);
      const { searchParams, hash } = new URL(one.url());
      const late = await open(searchParams.get('room') ?? '', 'Ghost-3', hash.slice(1));
      opened.push(late);
      expect(await lines(late)).toEqual([]);
      await shows(late, 1);
      expect(await lines(late)).toEqual(['Ghost-1: For who comes']);
      await Promise.all([shows(one, 0), shows(late, 0)]);
      expect([await banner(one), await banner(late)]).toEqual(['', '']);
    },
    TEST_MS,
  );
});
