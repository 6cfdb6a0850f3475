/** The web pages, built where they are not: `npm test` has done so before, a single file run by hand may be the first. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '..', '..');

/** Throws with vite's own words where the build fails. 50 ms when nothing changed. */
export function buildWebOnce(): void {
  execFileSync(process.execPath, [path.join(ROOT, 'scripts', 'build-web.mjs')], { stdio: 'pipe' });
}
