/** How tests look at pages in Chromium: what axe finds, what scrolls sideways, where the keyboard stands and whether one sees it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import type { CDPSession, Locator, Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MOST_STOPS = 40;
const LONGEST_MS = 10_000;

/** Blanks folded, as one reads it. */
export async function said(at: Locator): Promise<string> {
  return ((await at.textContent()) ?? '').replaceAll(/\s+/g, ' ').trim();
}

/**
 * Something of the selector is on the page. Looked for frame by frame in the page itself: the driver's own waits look ever more seldom, at
 * last twice a second, which is longer than what most of them wait for.
 */
export async function until(page: Page, selector: string): Promise<void> {
  const said = JSON.stringify(selector);
  await page.evaluate(`new Promise((there, late) => {
    const end = performance.now() + ${LONGEST_MS};
    const look = () => {
      if ([...document.querySelectorAll(${said})].some((one) => one.getClientRects().length > 0)) there();
      else if (performance.now() > end) late(new Error(location.href + ' has nothing of ' + ${said} + ': ' + document.body.innerText.slice(0, 500)));
      else requestAnimationFrame(look);
    };
    look();
  })`);
}

/** Looks once; null in a document that has no axe yet. */
const LOOK = `typeof axe === 'undefined' ? null : axe.run(document, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })
  .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))`;
const doors = new WeakMap<Page, Promise<CDPSession>>();

/**
 * What axe finds, a line each. It comes in by the browser's own door: a page's policy lets no script in that it did not send, and where
 * scripts are off a page's own are, not this one. A document gets it once: half a megabyte of script takes as long as the look itself.
 */
export async function findings(page: Page): Promise<string[]> {
  const door = doors.get(page) ?? page.context().newCDPSession(page);
  doors.set(page, door);
  const devtools = await door;
  const look = async (): Promise<string[] | null> => {
    const { result, exceptionDetails } = await devtools.send('Runtime.evaluate', {
      expression: LOOK,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined)
      throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value as string[] | null;
  };
  const found = await look();
  if (found !== null) return found;
  await devtools.send('Runtime.evaluate', { expression: AXE });
  const foundNow = await look();
  if (foundNow === null) throw new Error(`axe did not come into ${page.url()}`);
  return foundNow;
}

export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  );
}

/** Tab by tab (or back) to what says so; each stop on the way is seen: an outline that is drawn, on something that is on the screen. */
export async function reach(page: Page, text: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const stops: string[] = [];
  for (let n = 0; n < MOST_STOPS; n++) {
    await page.keyboard.press(key);
    const at = await page.evaluate<{ says: string; outline: string; width: number; seen: boolean } | null>(
      // As the next frame shows it: where motion is reduced, a change still takes a hundredth of a millisecond.
      `new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))).then(() => {
        const at = document.activeElement;
        if (at === document.body) return null;
        const box = at.getBoundingClientRect();
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        return { says: (at.innerText || at.getAttribute('aria-label') || at.value || '').trim(), outline: outlineStyle,
          width: parseFloat(outlineWidth), seen: box.bottom > 0 && box.top < innerHeight && box.width > 0 };
      })`,
    );
    // Past the last stop the browser's own bar has its turn.
    stops.push(at?.says ?? '(the browser)');
    if (at === null) continue;
    if (n > 0 && at.says === stops[0]) break;
    expect(at).toEqual({ ...at, outline: expect.not.stringMatching(/^none$/), seen: true });
    expect(at.width).toBeGreaterThanOrEqual(2);
    if (at.says.startsWith(text)) return;
  }
  throw new Error(`the keyboard does not reach ${text}, only ${stops.join(', ')}`);
}
