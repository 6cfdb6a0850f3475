/** Chromium for tests that look at a page. `npm test` installs it where it may; with jest alone it is the one on the path, or CHROMIUM. */
import { describe, test } from '@jest/globals';
import { CHROMIUM, chromiumPath } from '../../scripts/chromium.ts';

export { CHROMIUM, chromiumPath };

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
