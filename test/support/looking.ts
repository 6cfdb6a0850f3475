/** How tests look at pages in Chromium: what axe finds, what scrolls sideways, where the keyboard stands and whether one sees it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MOST_STOPS = 40;

/** Blanks folded, as one reads it. */
export async function said(at: Locator): Promise<string> {
  return ((await at.textContent()) ?? '').replaceAll(/\s+/g, ' ').trim();
}

/**
 * What axe finds, a line each. It comes in by the browser's own door: a page's policy lets no script in that it did not send, and where
 * scripts are off a page's own are, not this one.
 */
export async function findings(page: Page): Promise<string[]> {
  const devtools = await page.context().newCDPSession(page);
  try {
    await devtools.send('Runtime.evaluate', { expression: AXE });
    const { result } = await devtools.send('Runtime.evaluate', {
      expression: `axe.run(document, { runOnly: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })
        .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))`,
      awaitPromise: true,
      returnByValue: true,
    });
    return result.value as string[];
  } finally {
    await devtools.detach();
  }
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
