/**
 * `npm test [-- FILES AND JEST OPTIONS]`: installs what is missing, starts real Kafka and Redis (unless they run or are given) and the
 * bundled Postgres, runs jest, stops what it started. Last line: `N passed, N failed, N skipped`.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { onPinnedNode, ROOT, runNode, say } from './bootstrap.mjs';
import { buildWeb } from './build-web.mjs';

await onPinnedNode(import.meta.url);
await buildWeb();

const cache = path.join(ROOT, '.cache');
const resultsFile = path.join(cache, `test-results-${process.pid}.json`);
mkdirSync(cache, { recursive: true });

const { serviceEnvironment, startServices, stopServices } = await import('./services.ts');
const running = Object.keys(serviceEnvironment());
let started = false;
const env = { ...process.env };
/** Held here and not by jest alone: a jest that is killed tears nothing down. */
const database = await import('../test/support/setup.ts');

/** Ends what this run started, and only that: services that ran before stay. */
async function stop() {
  rmSync(resultsFile, { force: true });
  await database.teardown();
  if (!started) return;
  started = false;
  say('stopping the services');
  await stopServices();
}

try {
  say(running.length > 0 ? `using ${running.join(', ')}` : 'starting services (Kafka, Redis)');
  const result = await startServices();
  // What ran before was somebody's: then nothing is stopped at the end.
  started = result.started && !running.some((name) => !process.env[name]);
  Object.assign(env, result.env);
} catch (error) {
  // Tests that need them are skipped with this reason, or fail where CI=true.
  started = !running.some((name) => !process.env[name]);
  env.ALLIM_TEST_SERVICES_ERROR = error.message.split('\n')[0];
  Object.assign(env, serviceEnvironment());
  say(`services do not start: ${error.message}`);
}
try {
  await (await import('./services/chromium.ts')).installChromium();
} catch (error) {
  env.ALLIM_TEST_CHROMIUM_ERROR = error.message.split('\n')[0];
}
// The bundled server is what tests run on; a developer's own database is none of their business.
delete env.DATABASE_URL;

const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
const args = [
  '--experimental-vm-modules',
  jest,
  '--json',
  `--outputFile=${resultsFile}`,
  ...process.argv.slice(2),
];
say('starting the bundled Postgres');
await database.setup();
for (const name of ['ALLIM_TEST_DATABASE_URL', 'ALLIM_TEST_DATABASE_ERROR'])
  if (process.env[name]) env[name] = process.env[name];
say('running jest');
// jest prints its JSON on stdout too; people read its report on stderr.
const code = await runNode(args, { env, stdio: ['inherit', 'ignore', 'inherit'] });

let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
  passed = results.numPassedTests;
  // A file that could not be loaded has no failed test of its own and is a failure all the same.
  failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  skipped = results.numPendingTests + results.numTodoTests;
} catch {
  say('jest left no results: it did not get as far as running tests');
}
await stop();
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(code === 0 && failed > 0 ? 1 : code);
