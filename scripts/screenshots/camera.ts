/** Takes the pictures: signs in once as each person, opens each place once a language, and takes it at every width. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Taken } from './gallery.ts';
import { type Language, type Shot, WIDTHS, type World } from './shot.ts';

const HEIGHTS = { 1440: 900, 768: 1024, 360: 740 } as const;
/** Longer pages are cut: nobody looks at more in one picture. */
const MAX_HEIGHT = 6_000;
const STILL_MS = 150;
const STILL_WITHIN_MS = 15_000;
const DOCS_BYTES = 80_000;

export type Camera = {
  /** Every width of one shot in one language, into `folder`. */
  take(shot: Shot, language: Language, folder: string): Promise<readonly Taken[]>;
  /** What the documents want of it, into `folder`. */
  takeForDocs(shot: Shot, language: Language, folder: string): Promise<readonly string[]>;
  close(): Promise<void>;
};

export function createCamera(browser: Browser, world: World): Camera {
  const contexts = new Map<string, Promise<BrowserContext>>();

  /** One for each language: pages of one share what the console remembers of it. */
  async function contextOf(account: string | null, language: Language): Promise<BrowserContext> {
    const key = `${account} ${language}`;
    const known = contexts.get(key) ?? openAs(account);
    contexts.set(key, known);
    return known;
  }

  async function openAs(account: string | null): Promise<BrowserContext> {
    const context = await browser.newContext({
      viewport: { width: WIDTHS[0], height: HEIGHTS[1440] },
      reducedMotion: 'reduce',
      locale: 'ko-KR',
      timezoneId: 'Asia/Seoul',
    });
    if (account !== null) await signIn(context, account);
    return context;
  }

  async function signIn(context: BrowserContext, account: string): Promise<void> {
    const as = account.startsWith('c-') ? 'citizen' : 'staff';
    const page = await context.newPage();
    await page.goto(`${world.url}/sign-in?as=${as}&account=${encodeURIComponent(account)}`);
    await page.locator('#password').fill(world.password);
    await page.locator('main button[type=submit]').click();
    await page.waitForURL(as === 'staff' ? /\/console/ : /\/me/);
    await page.close();
  }

  async function open(shot: Shot, language: Language): Promise<Page> {
    const context = await contextOf(shot.as(world, language), language);
    const page = await context.newPage();
    await page.addInitScript(`localStorage.setItem('allim-console-language', '${language}')`);
    await shot.before?.(page, world);
    await page.goto(`${world.url}${shot.at(world, language)}`);
    await page.locator('main h1').first().waitFor();
    await still(page);
    if (shot.act !== undefined) {
      await shot.act(page, world, language);
      await still(page);
    }
    return page;
  }

  return {
    async take(shot, language, folder) {
      const page = await open(shot, language);
      const taken: Taken[] = [];
      try {
        for (const width of WIDTHS) {
          await resize(page, width, HEIGHTS[width]);
          const file = `${shot.name}-${width}-${language}.png`;
          // As tall as the page: what stands at the bottom of the screen stands at the bottom of the picture.
          const height = await page.evaluate<number>('document.documentElement.scrollHeight');
          await resize(page, width, Math.min(Math.max(height, HEIGHTS[width]), MAX_HEIGHT));
          await page.screenshot({ path: path.join(folder, file), animations: 'disabled' });
          taken.push({ name: shot.name, language, width, file });
        }
      } finally {
        await page.close();
      }
      return taken;
    },
    async takeForDocs(shot, language, folder) {
      const wanted = (shot.docs ?? []).filter((one) => one.language === language);
      if (wanted.length === 0) return [];
      const page = await open(shot, language);
      const files: string[] = [];
      try {
        await mkdir(folder, { recursive: true });
        for (const { width, file, height = HEIGHTS[width] } of wanted) {
          await page.setViewportSize({ width, height });
          await still(page);
          await writeFile(path.join(folder, `${file}.jpg`), await smallEnough(page));
          files.push(`${file}.jpg`);
        }
      } finally {
        await page.close();
      }
      return files;
    },
    async close() {
      for (const context of contexts.values()) await (await context).close();
    },
  };
}

/** The best JPEG of what is seen that a document may carry. */
async function smallEnough(page: Page): Promise<Buffer> {
  let picture: Buffer = Buffer.alloc(0);
  for (const quality of [85, 75, 65, 55, 45, 38]) {
    picture = await page.screenshot({ type: 'jpeg', quality, animations: 'disabled' });
    if (picture.length <= DOCS_BYTES) break;
  }
  return picture;
}

/** Another size takes no more than being laid out and drawn. */
async function resize(page: Page, width: number, height: number): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
}

/** Resolves when fonts are there, nothing is loading, and the page has not changed for a moment. */
async function still(page: Page): Promise<void> {
  const deadline = performance.now() + STILL_WITHIN_MS;
  let before = '';
  let since = performance.now();
  for (;;) {
    const now = await page.evaluate<string>(
      `document.fonts.ready.then(() => [document.querySelectorAll('[aria-busy=true], .counts.old').length, document.body.innerText.length, document.documentElement.scrollHeight, document.querySelectorAll('*').length].join(' '))`,
    );
    if (now !== before) {
      before = now;
      since = performance.now();
    }
    const busy = !now.startsWith('0 ');
    if (!busy && performance.now() - since >= STILL_MS) return;
    if (performance.now() > deadline) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
