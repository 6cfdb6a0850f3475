/** The hand-made bugs fit the code as it is, so that `npm run mutants` tries what it says. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { apply } from './mutants/mutant.ts';
import { MUTANTS } from './mutants/mutants.ts';

const ROOT = path.join(import.meta.dirname, '..');

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  '%s fits, and its tests exist',
  (_, mutant) => {
    const source = readFileSync(path.join(ROOT, mutant.file), 'utf8');
    expect(apply(mutant, source)).not.toBe(source);
    expect(mutant.tests.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    expect(mutant.tests.length).toBeGreaterThan(0);
  },
);

test('names are unique, and there are the twelve and more', () => {
  expect(new Set(MUTANTS.map((mutant) => mutant.name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(12);
});
