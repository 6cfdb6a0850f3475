/**
 * `npm run screenshots -- [--to FOLDER] [--only NAME] [--docs] [--citizens N]`: starts the demonstration in a scratch folder, signs in as
 * everybody there is, and takes every page and its main states, in each language, at 1440, 768 and 360 px. `--only` takes those whose name
 * begins so; `--docs` writes instead the few that the documents show, small, into docs/images. Exit code 1 where one could not be taken.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { messageOf } from '../domain/errors.ts';
import { CHROMIUM, chromiumPath } from './chromium.ts';
import { type Camera, createCamera } from './screenshots/camera.ts';
import { CITIZEN_SHOTS } from './screenshots/citizens.ts';
import { startDemonstration } from './screenshots/demonstration.ts';
import { type Taken, writeGallery } from './screenshots/gallery.ts';
import type { Language, Shot } from './screenshots/shot.ts';
import { STAFF_SHOTS } from './screenshots/staff.ts';
import { STRANGER_SHOTS } from './screenshots/strangers.ts';

const ROOT = path.join(import.meta.dirname, '..');
const SHOTS: readonly Shot[] = [...STRANGER_SHOTS, ...STAFF_SHOTS, ...CITIZEN_SHOTS];
/** Two pages at once fill two cores: one draws while the other loads. */
const AT_ONCE = 2;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

type Job = { readonly shot: Shot; readonly language: Language };

function options() {
  const { values } = parseArgs({
    options: {
      to: { type: 'string', default: path.join(ROOT, '.cache', 'screenshots') },
      only: { type: 'string', default: '' },
      docs: { type: 'boolean', default: false },
      citizens: { type: 'string', default: '5000' },
    },
  });
  const chosen = SHOTS.filter(({ name, docs }) =>
    values.docs ? docs !== undefined && name.startsWith(values.only) : name.startsWith(values.only),
  );
  if (chosen.length === 0)
    throw new Error(
      `no screenshot begins with ${values.only}; there are ${SHOTS.map(({ name }) => name).join(' ')}`,
    );
  return { ...values, chosen, citizens: Number(values.citizens) };
}

/** Those that could not be taken are told and counted; the others are taken all the same. */
async function takeAll(
  camera: Camera,
  given: ReturnType<typeof options>,
): Promise<{ taken: readonly Taken[]; failed: number }> {
  const jobs: Job[] = given.chosen.flatMap((shot) => shot.languages.map((language) => ({ shot, language })));
  const taken: Taken[] = [];
  let done = 0;
  let failed = 0;
  const left = jobs.values();
  const work = async (): Promise<void> => {
    for (const { shot, language } of left) {
      try {
        if (given.docs)
          for (const file of await camera.takeForDocs(shot, language, path.join(ROOT, 'docs', 'images')))
            say(`  docs/images/${file}`);
        else taken.push(...(await camera.take(shot, language, given.to)));
      } catch (error) {
        failed++;
        say(`  ${shot.name} in ${language}: ${messageOf(error).split('\n', 1)[0]}`);
      }
      done++;
      if (done % 10 === 0 || done === jobs.length) say(`  ${done} of ${jobs.length}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const order = new Map(SHOTS.map(({ name }, index) => [name, index]));
  return { taken: taken.toSorted((a, b) => order.get(a.name)! - order.get(b.name)!), failed };
}

async function main(): Promise<number> {
  const startedMs = performance.now();
  const given = options();
  if (CHROMIUM === undefined) throw new Error('chromium is not installed; CHROMIUM names another');
  await mkdir(given.to, { recursive: true });
  say('starting the demonstration');
  const demonstration = await startDemonstration(given.citizens, say);
  try {
    // Without a sandbox as root, which has none to give away.
    const browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--no-sandbox', '--disable-gpu'],
    });
    try {
      const camera = createCamera(browser, demonstration.world);
      const { taken, failed } = await takeAll(camera, given);
      if (!given.docs && given.only === '') say(`look at ${await writeGallery(given.to, taken)}`);
      say(
        `${given.docs ? '' : `${taken.length} pictures, `}${Math.round((performance.now() - startedMs) / 1000)} s`,
      );
      return failed === 0 ? 0 : 1;
    } finally {
      await browser.close();
    }
  } finally {
    await demonstration.stop();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  say(`allim: ${messageOf(error)}`);
  return 1;
});
