/** Staff before the console in Chromium: pages opened as somebody, looked at by axe, and watched for requests to any host but ours. */
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './chromium.ts';
import type { ConsoleServer, Someone } from './console-server.ts';
import { findings, until } from './looking.ts';

export type Language = 'ko' | 'en';
export type Opening = {
  readonly width?: number;
  readonly height?: number;
  readonly language?: Language;
};

export type StaffBrowser = Awaited<ReturnType<typeof createStaffBrowser>>;

export async function createStaffBrowser(server: ConsoleServer) {
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--no-sandbox'],
  });
  const contexts: BrowserContext[] = [];
  /** Addresses of other hosts that any page asked for. */
  const outside: string[] = [];
  /** What broke in any page. */
  const broken: string[] = [];

  return {
    outside: outside as readonly string[],
    broken: broken as readonly string[],
    /** With `where` null the page is not led anywhere yet. */
    async open(person: Someone, where: string | null, opening: Opening = {}): Promise<Page> {
      const { width = 1440, height = 900, language = 'ko' } = opening;
      const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
      contexts.push(context);
      context.setDefaultTimeout(10_000);
      context.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(server.url) && !url.startsWith('data:')) outside.push(url);
      });
      await server.signIn(context, person);
      await context.addInitScript(
        (stored) => localStorage.setItem('allim-console-language', stored),
        language,
      );
      const page = await context.newPage();
      page.on('pageerror', (error) => broken.push(String(error)));
      if (where !== null) await page.goto(`${server.url}/console${where}`);
      return page;
    },
    /** With ALLIM_SHOTS=folder the pages as they stand at the end are kept as pictures: what a failed move saw. */
    async close(): Promise<void> {
      const shots = process.env['ALLIM_SHOTS'];
      for (const [index, context] of contexts.entries()) {
        for (const page of context.pages())
          if (shots !== undefined)
            await page.screenshot({ path: path.join(shots, `${index}.png`), fullPage: true });
        await context.close();
      }
      await browser.close();
    },
  };
}

/** Runs in the page: what is wider than the screen. */
const WIDER = `document.documentElement.scrollWidth > innerWidth ? ['wider than the screen: ' + [...document.querySelectorAll('main *')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).join(' | ')] : []`;

/** What axe finds on the page as it is now, and whether it is wider than the screen. */
export async function findingsOn(page: Page): Promise<readonly string[]> {
  return [...(await findings(page)), ...(await page.evaluate<string[]>(WIDER))];
}

/** As a link of the console leads there: the page goes on, and nothing of it is loaded again. */
export async function go(page: Page, where: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${where}`)})`);
}

/** Nothing of the place is still on its way. */
export async function settled(page: Page): Promise<void> {
  await until(page, 'body:not(:has(.spinner, [aria-busy="true"])) main h1');
}
