/**
 * `keystroke`: how long after a key is pressed in the rule page the new count stands painted, in Chromium, over shards of one process
 * (bench/loaded-shards.ts). Each press is a keystroke of its own: an age loses its last digit or gets another, and the next comes when the
 * count of the one before is on the screen. Measured in the page, from the key event's own time to the frame after the count changed. The
 * baseline is the same questions over HTTP without a browser, in the same run. `--citizens N` (200,000), `--keys N` (120).
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import { loadConfig } from '../app/config.ts';
import { type Context, createContext } from '../app/context.ts';
import { silentLogger } from '../domain/logger.ts';
import type { Rule } from '../domain/rule.ts';
import { chromiumPath } from '../scripts/chromium.ts';
import { createSessions } from '../web/sign-in/sessions.ts';
import { load, NO_QUEUE, PARTITIONS, serveShards } from './loaded-shards.ts';
import { openPlace } from './place.ts';
import { seedCatalogue } from './seed.ts';
import { type Bench, quantile, round, say, until } from './support.ts';

const RULE = 'nhis-breast-screening';
const FILE = path.join(import.meta.dirname, '..', 'rules', 'published', `${RULE}.json`);
/** Between the count of one key and the next key: as one types who reads. */
const PAUSE_MS = 120;
const WARM = 10;

/** Runs in the page: after each key, the ms until the frame in which its count is. */
const WATCH = `(() => {
  window.took = [];
  let began = 0, asked = false;
  addEventListener('keydown', (event) => { began = event.timeStamp; asked = false; }, true);
  new MutationObserver(() => {
    const counts = document.querySelector('.audience .counts');
    if (began === 0 || counts === null) return;
    if (counts.classList.contains('old')) { asked = true; return; }
    if (!asked) return;
    const from = began;
    began = 0;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        const asked = performance.getEntriesByType('resource').findLast(({ name }) => name.endsWith('/rules/preview'));
        window.took.push([performance.now() - from, asked.startTime - from, asked.responseEnd - from]);
        performance.clearResourceTimings();
      };
      after.port2.postMessage(0);
    });
  }).observe(document.querySelector('.audience'), { subtree: true, childList: true, attributes: true, characterData: true });
})()`;

/** `4`, `45`, `4`, `46` …: what the field reads after each key. */
const agesOf = (keys: number): string[] =>
  Array.from({ length: keys }, (_, at) => (at % 2 === 0 ? '4' : `4${Math.floor(at / 2) % 10}`));

/** Of one key, ms from it: when its count was painted, when its question left, when the answer was there. */
type Key = readonly [painted: number, asked: number, answered: number];

async function typed(page: Page, keys: number): Promise<Key[]> {
  const value = page.locator('.query-rule input.input').first();
  await value.focus();
  await page.keyboard.press('End');
  await page.evaluate(WATCH);
  const ages = agesOf(WARM + keys);
  for (const [at, age] of ages.entries()) {
    await page.keyboard.press(age.length === 1 ? 'Backspace' : age.at(-1)!);
    await until('the count', async () => (await page.evaluate<number>('window.took.length')) > at, {
      timeoutMs: 10_000,
    });
    await delay(PAUSE_MS);
  }
  return (await page.evaluate<Key[]>('window.took')).slice(WARM);
}

/** The same questions as the page asks. */
async function asked(context: Context, url: string, keys: number): Promise<number[]> {
  const { agency, on, reach, condition } = JSON.parse(readFileSync(FILE, 'utf8')) as Rule;
  const text = JSON.stringify(condition);
  const took: number[] = [];
  for (const age of agesOf(WARM + keys)) {
    const body = { rule: { agency, on, reach, condition: JSON.parse(text.replace(/\},40\]/, `},${age}]`)) } };
    const from = performance.now();
    const answer = await fetch(`${url}/api/v1/rules/preview`, {
      method: 'POST',
      headers: { authorization: `Bearer ${context.secrets.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { partial } = (await answer.json()) as { readonly partial?: boolean };
    took.push(performance.now() - from);
    if (partial !== false) throw new Error(`a question was answered ${answer.status}, and not by everybody`);
    await delay(PAUSE_MS);
  }
  return took.slice(WARM);
}

export const keystroke: Bench = async (options) => {
  const citizens = options.number('citizens', 200_000);
  const keys = options.number('keys', 120);
  const { shards } = load(citizens);
  const place = await openPlace({ services: false });
  const stops: (() => Promise<unknown>)[] = [() => place.stop()];
  try {
    const context = await createContext(
      loadConfig({ ...place.env, ALLIM_PARTITIONS: String(PARTITIONS), PORT: '0' }),
      { logger: silentLogger, queue: NO_QUEUE },
    );
    stops.push(() => context.stop());
    await seedCatalogue(context);
    const served = await serveShards(context, shards);
    stops.push(() => served.stop());
    const alone = await asked(context, served.url, keys);
    say(`keystroke: ${citizens} citizens, the question alone p99 ${round(quantile(alone, 0.99))} ms`);
    const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
    stops.push(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    // Whoever may see small counts is refused none of the questions that lie close together.
    const owner = {
      kind: 'staff',
      subject: 'bench',
      name: 'bench',
      agency: null,
      roles: ['owner'],
      locale: 'ko',
    } as const;
    const { token } = await createSessions(context).open(owner, { device: 'bench', idToken: null });
    await page.context().addCookies([{ name: 'allim-session', value: token, url: served.url }]);
    await page.goto(`${served.url}/console/rules/${RULE}?step=who`);
    await page.locator('.counts:not(.old) .count').first().waitFor();
    const typing = await typed(page, keys);
    const took = typing.map(([painted]) => painted);
    return {
      figures: {
        citizens,
        keys: took.length,
        painted_p50_ms: round(quantile(took, 0.5)),
        painted_p99_ms: round(quantile(took, 0.99)),
        painted_worst_ms: round(Math.max(...took)),
        asked_p50_ms: round(
          quantile(
            typing.map(([, asked]) => asked),
            0.5,
          ),
        ),
        answered_p50_ms: round(
          quantile(
            typing.map(([, , answered]) => answered),
            0.5,
          ),
        ),
      },
      baseline: {
        question_p50_ms: round(quantile(alone, 0.5)),
        question_p99_ms: round(quantile(alone, 0.99)),
        question_worst_ms: round(Math.max(...alone)),
      },
      ratio: { question_vs_painted: round(quantile(alone, 0.5) / quantile(took, 0.5)) },
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
};
