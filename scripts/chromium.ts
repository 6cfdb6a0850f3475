/** Where Chromium is: for tests and scripts that look at a page. The one on the path, or the one that CHROMIUM names. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const NAMES = [process.env['CHROMIUM'], 'chromium', 'chromium-browser', 'google-chrome'];

/** The program, or undefined where none starts. */
export const CHROMIUM = NAMES.find(
  (name) =>
    name !== undefined &&
    name !== '' &&
    spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined,
);

/** Where it lies: playwright takes no name from the path. Empty where there is none. */
export function chromiumPath(): string {
  if (CHROMIUM === undefined || path.isAbsolute(CHROMIUM)) return CHROMIUM ?? '';
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, CHROMIUM)).find((file) => existsSync(file)) ?? CHROMIUM;
}
