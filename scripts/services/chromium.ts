/** A browser for the tests that look at pages, with letters for Korean. */
import { installed } from './process.ts';

export async function installChromium(): Promise<void> {
  await installed('chromium', '--version', ['chromium', 'fonts-noto-cjk']);
}
