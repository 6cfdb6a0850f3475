/** Chromium for tests that look at a page. `npm test` installs it where it may; with jest alone it is the one on the path, or CHROMIUM. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from '@jest/globals';

const NAMES = [process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'];

/** The program, or undefined where none starts. */
export const CHROMIUM = NAMES.find(
  (name) =>
    name !== undefined &&
    name !== '' &&
    spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined,
);

/** Where it lies: playwright takes no name from the path. */
export function chromiumPath(): string {
  if (CHROMIUM === undefined || path.isAbsolute(CHROMIUM)) return CHROMIUM ?? '';
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, CHROMIUM)).find((file) => existsSync(file)) ?? CHROMIUM;
}

/** As describeWith: skipped with the reason, a failure where CI=true. */
export function describeWithChromium(name: string, tests: () => void): void {
  const why = process.env['ALLIM_TEST_CHROMIUM_ERROR'] ?? 'chromium is not installed; CHROMIUM names another';
  if (CHROMIUM !== undefined) describe(name, tests);
  else if (process.env['CI'] === 'true')
    describe(name, () => {
      test('has chromium', () => {
        throw new Error(why);
      });
    });
  else describe.skip(`${name} (skipped: ${why})`, tests);
}
