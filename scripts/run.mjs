/** `node scripts/run.mjs FILE.ts [ARGUMENTS]`: installs what is missing and runs FILE.ts on the pinned Node. */
import path from 'node:path';
import { prepare, ROOT, runNode, say } from './bootstrap.mjs';
import { buildWeb } from './build-web.mjs';

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  say('usage: node scripts/run.mjs FILE.ts [ARGUMENTS]');
  process.exit(2);
}
prepare();
// Whoever serves pages needs them built.
const WITH_PAGES = {
  'app/main.ts': ['all', 'web'],
  'bench/main.ts': ['inbox', 'live', 'keystroke'],
};
if (file === 'scripts/screenshots.ts' || WITH_PAGES[file]?.includes(args[0])) await buildWeb();
process.exit(await runNode([path.resolve(ROOT, file), ...args]));
