/**
 * `npm start [-- --exit] [--json] [--port N] [--data DIR] [--citizens N]`: installs what is missing and starts everything on the embedded
 * default, with its demonstration. With `--json` the last line of standard output is the summary as one JSON object.
 */
import path from 'node:path';
import { prepare, ROOT, runNode } from './bootstrap.mjs';
import { buildWeb } from './build-web.mjs';

prepare();
await buildWeb();
process.exit(await runNode([path.join(ROOT, 'app', 'start.ts'), ...process.argv.slice(2)]));
