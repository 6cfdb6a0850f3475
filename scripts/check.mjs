/** `npm run check`: types, lint and format, and who may import what. All are run, so that one visit shows everything. */
import path from 'node:path';
import { onPinnedNode, ROOT, runNode, say } from './bootstrap.mjs';

await onPinnedNode(import.meta.url);
process.chdir(ROOT);

const bin = (...parts) => path.join(ROOT, 'node_modules', ...parts);
const checks = [
  ['types', [bin('typescript', 'bin', 'tsc'), '--noEmit']],
  // What runs in a browser: it knows the DOM and JSX, and nothing else does.
  [
    'types of what runs in browsers',
    [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.web.json'],
  ],
  [
    'types of the service worker',
    [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.service-worker.json'],
  ],
  ['lint and format', [bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings']],
  ['architecture', ['--experimental-vm-modules', bin('jest', 'bin', 'jest.js'), 'test/architecture.test.ts']],
];

let failed = 0;
for (const [name, args] of checks) {
  const startedMs = performance.now();
  const code = await runNode(args, { env: { ...process.env, ALLIM_TEST_NO_DATABASE: '1' } });
  say(`${name}: ${code === 0 ? 'ok' : 'FAILED'} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (code !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
