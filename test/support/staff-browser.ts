/** Staff before the console in Chromium: pages opened as somebody, looked at by axe, and watched for requests to any host but ours. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { chromiumPath } from './chromium.ts';
import type { ConsoleServer, Someone } from './console-server.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`;

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
    async open(person: Someone, where: string, opening: Opening = {}): Promise<Page> {
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
      await page.goto(`${server.url}/console${where}`);
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

/** What axe finds on the page as it is now, and whether it is wider than the screen. */
export async function findingsOn(page: Page): Promise<readonly string[]> {
  // By the browser's own door: the page's policy lets no script in that it did not send.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: AXE });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ${RULES} }).then(({ violations }) => [
      ...violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 150)).join(' | ')),
      ...(document.documentElement.scrollWidth > innerWidth ? ['wider than the screen: ' + [...document.querySelectorAll('main *')]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((one) => one.outerHTML.slice(0, 120)).join(' | ')] : []),
    ])`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value as string[];
}
