/**
 * `npm run agree [-- --cases N] [--seed N] [--path PATH]`: the property of agreement.ts over many random cases (10,000 where nothing is
 * said) on the bundled Postgres. Says its seed, so that the same cases can be had again, and shrinks what fails; `--path` goes straight to
 * one case. Exit code 1 where a reading disagrees.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { createDatabase } from '../support/postgres.ts';
import { setup, teardown } from '../support/setup.ts';
import { agreement, createOracle } from './agreement.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Math.trunc(Math.random() * 2 ** 31)) },
    path: { type: 'string' },
  },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const say = (line: string) => process.stdout.write(`${line}\n`);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: npm run agree [-- --cases N] [--seed N] [--path PATH]\n');
  process.exit(2);
}

const startedMs = performance.now();
const seconds = () => ((performance.now() - startedMs) / 1_000).toFixed(0);
await setup();
const database = await createDatabase({ max: 2, migrated: false });
try {
  await createOracle(database.pool);
  say(`${cases} cases, seed ${seed}`);
  const result = await fc.check(agreement(database.pool), {
    numRuns: cases,
    seed,
    ...(values.path === undefined ? {} : { path: values.path }),
  });
  if (result.failed) say((await fc.asyncDefaultReportMessage(result)) ?? 'failed');
  say(
    result.failed
      ? `disagreement in case ${result.numRuns}, shrunk ${result.numShrinks} times (${seconds()} s): again with --seed ${seed} --path ${result.counterexamplePath}`
      : `${result.numRuns} cases agree, seed ${seed} (${seconds()} s)`,
  );
  process.exitCode = result.failed ? 1 : 0;
} finally {
  await database.drop();
  await teardown();
}
